# Shared by `apache-tools` and `command-lines`, which run the command lines of `apache-tools.cases`; sourced after `lib.sh`.
# shellcheck shell=bash

# ---- the command lines

cases=$work/tools.cases
: >"$cases"
input=''
case_of() { # name, class, arguments
  local IFS=$'\x1f'
  printf '%s\n' "$1$IFS$2$IFS$input$IFS${*:3}" >>"$cases"
  input=''
}
source "$conformance/apache-tools.cases"

# ---- the brokers

# Both have an authorizer and a listener with a login, as tests/apache-kafka/security.properties says.
start_real_for_tools() { # its directory; sets real, real_login, real_controller, real_data
  real=$("$kafka" start --dir "$1" --properties "$root/tests/apache-kafka/security.properties") ||
    die "the real Kafka did not start" 3
  real=${real#BOOTSTRAP=}
  real_login=$("$kafka" listener SASL_PLAINTEXT --dir "$1")
  real_login=${real_login#BOOTSTRAP=}
  real_controller=$(sed -n 's|^listeners=.*CONTROLLER://\([^,]*\).*|\1|p' "$1/node-1/server.properties" | tail -n 1)
  real_data=$1/node-1/data
}

# The dev server is told the same as the real Kafka of a directory, but for the ports.
# It has no listener for controllers: who wants one is sent to its listener for clients.
start_dev_for_tools() { # that directory; sets dev, dev_login, dev_controller, dev_data
  local port login_port
  read -r port login_port < <(perl -MIO::Socket::INET -e '
    my @held = map { IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1", LocalPort => 0) } 1 .. 2;
    print join(" ", map { $_->sockport } @held), "\n"')
  dev_data=$work/data-for-tools
  sed "s/:${real##*:}\b/:$port/g; s/:${real_login##*:}\b/:$login_port/g; s|^log.dirs=.*|log.dirs=$dev_data|" \
    "$1/node-1/server.properties" >"$work/server.properties"
  rm -rf "$dev_data"
  bootstrap=''
  start_dev_server --properties-file "$work/server.properties" --data-dir "$dev_data"
  dev=$bootstrap dev_controller=$bootstrap
  dev_login=127.0.0.1:$login_port
}

# With a program, it stands in for the tools that it has.
run_tools() { # address, addresses of the listeners with a login and for controllers, data directory, cases, output [, program]
  perl -lne '
    BEGIN { ($plain, $login, $controller, $data) = splice @ARGV, 0, 4 }
    my ($name, @fields) = split /\x1f/, $_, -1;
    @fields = map {
      $_ eq "B" ? ("--bootstrap-server", $plain) : $_ eq "S" ? ("--bootstrap-server", $login) :
      $_ eq "C" ? ("--bootstrap-controller", $controller) : $_ eq "b" ? "bootstrap.servers=$plain" : s/\@B\@/$plain/r =~ s/\@C\@/$controller/r =~ s/\@DATA\@/$data/gr
    } @fields;
    print join "\x1f", $name, @fields;' "$1" "$2" "$3" "$4" "$5" |
    timeout 900 java -Xmx256m ${7:+-Dkafka.app=$7} -Dorg.slf4j.simpleLogger.defaultLogLevel=off Tools "$1" "${tool_jars[@]}" >>"$6" 2>>"$6.err" ||
    say "the tools ended early: see $6.err"
}

# ---- comparison

# What no two runs have in common: addresses, ids, times, rates.
normalise() { # address, data directory
  perl -CS -ne '
    BEGIN { ($address, $data) = splice @ARGV, 0, 2 }
    next if /^\tat |^\t\.\.\. \d+ more/; # frames of a stack
    next if / ms max latency\.$/; # how it goes, every 5 s
    next if /"partitions_assigned","partitions":\[\]/; # a member was told of its share before it knew the topic
    s/\Q$data\E/DATA/g; s/\Q$address\E/ADDRESS/g; s/(127\.0\.0\.1 +)\d+\b/${1}PORT/g; s/127\.0\.0\.1:\d+/ADDRESS/g;
    s/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/UUID/g;
    s/console-consumer-\d+/console-consumer-N/g;
    s/ Request Request\(processor=.*/ Request REQUEST/; # with the addresses of Java objects
    s/(TopicId: |Cluster ID: |ClusterId: +|DirectoryId: +|topicId=)[\w-]{22}/$1ID/g;
    s/(?<![\w-])[\w-]{22}(?= *\t?\d+ | \/127)/ID/g;
    s/\b\d{13}\b/TIME/g; s/\bcrc: \d+/crc: N/g; s/(TIME +\t)\d+( +\t)/$1N$2/; s/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.,:]?\d*(Z|[+-]\d\d:?\d\d)?/DATE/g;
    # A batch of several records is as long as the times between them need, and lies behind others like it.
    if (/^baseOffset: /) { s/( size: )\d+/$1N/ unless / count: 1 /; s/( position: )[1-9]\d*/$1N/; s/( producerId: )\d+/$1N/ }
    s/^\d+( +\t0 +\t-1 +\t)/N$1/; # the id of a producer: one is lost where a client asks again
    s/(Epoch: |HighWatermark: +)\d+/$1N/; s/^(1 +\tID\t)\d+ +/$1N/;
    s/"(timestamp|offset_time)":\d+/"$1":N/g; s/"time":"[^"]*"/"time":N/g;
    s/^(Avg latency:|Percentiles:|\d+\t) *[\d.]+.*/$1 N/ if /^Avg latency|^Percentiles|^\d+\t[\d.]+$/;
    s/ operations \[(.*?)\]/" operations [" . join(", ", sort split(", ", $1)) . "]"/e; s/[\d.]+(?=,|$)/N/g if /^DATE, DATE,/;
    s/[\d.]+ (records\/sec|MB\/sec|ms avg latency|ms max latency|ms 50th|ms 95th|ms 99th|ms 99\.9th)/N $1/g;
    s/"avg_throughput":[\d.]+/"avg_throughput":N/; s/("size":)\d+/$1N/g; s#"logDir":"[^"]*"#"logDir":"DIR"#g;
    s/ +/ /g; # columns are as wide as the ids in them
    print;
  ' "$1" "$2"
}

block() { # file, name: what one case printed
  perl -ne 'BEGIN { $name = pop @ARGV } chomp; if (/^=== (.*)$/) { $in = $1 eq $name; next } print "$_\n" if $in' "$1" "$2"
}
# Topics, configs, groups and partitions come in the order of hash tables; what the verifiable producer leaves to its shutdown hook is
# printed while the consumer runs.
in_order() { # name
  case $1 in
    # How many console consumers have left a group behind does not count: one that finds no topic may join none.
    'consumer groups: reset all groups' | 'consumer groups: list'* | 'consumer groups: describe all'* | 'groups: list'*)
      sed 's/^[[:space:]]*//' | sort -u
      ;;
    acls:* | 'consumer groups: reset'* | 'consumer groups: describe'*) sed 's/^[[:space:]]*//' | sort ;;
    'topics: describe all' | 'topics: describe with overrides' | configs:* | 'as alice: '* | 'delete records'* | 'verifiable consumer') sort ;;
    *) cat ;;
  esac
}
