# Shared by the scripts of this folder; sourced, not run. A script calls `pass`, `fail` or `skip` for each case and `summary` at
# its end. What it starts ends with it, however it ends.
# shellcheck shell=bash
set -euo pipefail

conformance=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$conformance/../.." && pwd)
# Sources, builds and logs; kept, so that a second run does not fetch and build again.
work=${CONFORMANCE_DIR:-$root/target/conformance}
kafka=$root/tests/apache-kafka/kafka
readonly conformance root work kafka
mkdir -p "$work"

unset CLASSPATH
# So that what ends a script by its exit trap ends it when it is interrupted, too.
trap stop_broker EXIT # a script that starts more sets its own, with this in it
trap 'exit 130' INT
trap 'exit 143' TERM
passed=0 failed=0 skipped=0
real='' # a real Kafka is asked for
server_pid=''
bootstrap=''
# Where each listener of the broker is: NAME://HOST:PORT.
listeners=()
arguments=()

say() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; }
die() { say "$1"; exit "${2:-1}"; }
need() { command -v "$1" >/dev/null 2>&1 || die "$1 is not installed: $2" 3; }

pass() { passed=$((passed + 1)); printf 'ok    %s\n' "$1"; }
fail() { failed=$((failed + 1)); printf 'FAIL  %s%s\n' "$1" "${2:+: $2}"; }
skip() { skipped=$((skipped + 1)); printf 'skip  %s%s\n' "$1" "${2:+: $2}"; }

summary() {
  printf '%d passed, %d failed%s\n' "$passed" "$failed" "$( ((skipped == 0)) || printf ', %d skipped' "$skipped")"
  ((failed == 0))
}

# Reads `--bootstrap-server HOST:PORT` and `--real`; everything else is left in `arguments`.
read_arguments() {
  while (($# > 0)); do
    case $1 in
      --bootstrap-server) (($# >= 2)) || die "--bootstrap-server needs HOST:PORT" 2; bootstrap=$2; shift ;;
      --real) real=yes ;;
      -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;;
      *) arguments+=("$1") ;;
    esac
    shift
  done
}

# A file of server properties from KEY=VALUE, of which the last of a name counts; {port} and the like in it are replaced as
# tests/apache-kafka/kafka does.
write_properties() { # file, properties
  local file=$1 told
  shift
  printf '%s\n' controller.listener.names=CONTROLLER \
    'listeners=PLAINTEXT://localhost:{port},CONTROLLER://127.0.0.1:{controller-port}' "$@" >"$file"
  told=$(sed -n 's/^listeners=//p' "$file" | tail -n 1 | sed 's|,CONTROLLER://[^,]*||')
  echo "advertised.listeners=$told" >>"$file"
}

# A broker with these properties, unless one was named that runs: with --real a Kafka, else the dev server, built from this
# tree unless KAFKA_APP names one.
start_broker() {
  [[ -z $bootstrap ]] || return 0
  local file=$work/broker.properties
  write_properties "$file" "$@"
  if [[ -n $real ]]; then start_kafka "$file"; else
    sed -i 's/{[a-z0-9-]*port[a-z0-9-]*}/0/g' "$file"
    start_dev_server --properties-file "$file"
  fi
}

start_kafka() { # properties
  bootstrap=$("$kafka" start --dir "$work/kafka" --properties "$1") || die "the real Kafka did not start" 3
  bootstrap=${bootstrap#BOOTSTRAP=}
  mapfile -t listeners < <(sed -n 's/^advertised.listeners=//p' "$work/kafka/node-1/server.properties" | tail -n 1 | tr , '\n')
}

start_dev_server() { # its own arguments
  local line program=${KAFKA_APP:-}
  if [[ -z $program ]]; then
    need cargo "it builds the dev server"
    (cd "$root" && cargo build -q -p kafka-app --features cli) || die "the dev server could not be built"
    program=${CARGO_TARGET_DIR:-$root/target}/debug/kafka-app
  fi
  exec {server_out}< <(exec "$program" broker "$@" 2>"$work/broker.log")
  server_pid=$!
  read -r -t 30 -u "$server_out" line || die "the dev server did not start: $(<"$work/broker.log")"
  bootstrap=${line#BOOTSTRAP_SERVERS=}
  bootstrap=${bootstrap%% *}
  [[ $line != *LISTENERS=* ]] || IFS=, read -r -a listeners <<<"${line##*LISTENERS=}"
}

address() { # listener
  local one
  for one in "${listeners[@]}"; do
    [[ $one != "$1://"* ]] || { echo "${one#*://}"; return; }
  done
  die "the broker has no listener $1"
}

stop_broker() {
  [[ -z $real ]] || "$kafka" stop --dir "$work/kafka"
  [[ -n $server_pid ]] || return 0
  kill -TERM "$server_pid" 2>/dev/null || true
  timeout 10 tail -s 0.1 --pid="$server_pid" -f /dev/null || kill -KILL "$server_pid" 2>/dev/null || true
  server_pid=''
}

# Keys for TLS, made once: `ca-cert`, who signed the others; server.pem and client.pem, each a key and its certificate; the
# server's again as server.p12, with the password that real Kafkas want.
make_keys() {
  keys=$work/keys
  [[ ! -s $keys/server.p12 ]] || return 0
  need openssl "it makes keys for TLS"
  mkdir -p "$keys"
  (
    cd "$keys"
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -keyout ca-key -out ca-cert -subj '/CN=conformance authority' \
      -addext keyUsage=critical,keyCertSign,cRLSign
    for name in server client; do
      openssl req -newkey rsa:2048 -nodes -keyout "$name.key" -out "$name.csr" -subj "/O=conformance/CN=$name"
      openssl x509 -req -in "$name.csr" -CA ca-cert -CAkey ca-key -CAcreateserial -days 3650 -out "$name.crt" \
        -extfile <(echo 'subjectAltName=DNS:localhost,IP:127.0.0.1')
      cat "$name.key" "$name.crt" >"$name.pem"
    done
    openssl pkcs12 -export -in server.pem -out server.p12 -passout pass:conformance
  ) 2>"$work/keys.log" || die "the keys could not be made: $(<"$work/keys.log")"
}

# As start_broker, with a listener for each security protocol and the user alice. Clients on SSL show a certificate, unless
# client_auth says otherwise.
start_secure_broker() {
  make_keys
  local plain='org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="alice-secret";'
  local scram='org.apache.kafka.common.security.scram.ScramLoginModule required;' name secure=() store=()
  if [[ -n $real ]]; then
    store=(ssl.keystore.type=PKCS12 "ssl.keystore.location=$keys/server.p12" ssl.keystore.password=conformance ssl.key.password=conformance)
  else
    store=(ssl.keystore.type=PEM "ssl.keystore.location=$keys/server.pem")
  fi
  for name in sasl_plaintext sasl_ssl; do
    secure+=("listener.name.$name.plain.sasl.jaas.config=$plain" "listener.name.$name.scram-sha-256.sasl.jaas.config=$scram"
      "listener.name.$name.scram-sha-512.sasl.jaas.config=$scram")
  done
  start_broker \
    "listeners=PLAINTEXT://localhost:{port},CONTROLLER://127.0.0.1:{controller-port},SASL_PLAINTEXT://localhost:{port-1},SSL://localhost:{port-2},SASL_SSL://localhost:{port-3}" \
    listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL \
    sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512 "${secure[@]}" "${store[@]}" \
    ssl.truststore.type=PEM "ssl.truststore.location=$keys/ca-cert" listener.name.ssl.ssl.client.auth="${client_auth:-required}" "$@"
}

# Kafka Streams and Connect, beside what tests/apache-kafka has: `java CLASS` finds them from then on.
use_streams_and_connect() {
  local file=$work/streams-and-connect.classpath
  if [[ ! -s $file || $conformance/pom.xml -nt $file ]]; then
    need mvn "Maven fetches Kafka Streams and Connect"
    mvn -q -B -f "$conformance/pom.xml" dependency:build-classpath "-Dmdep.outputFile=$file" </dev/null >&2 ||
      die "Maven could not resolve the artifacts of $conformance/pom.xml"
  fi
  CLASSPATH=$(<"$file")
}

# Apache Kafka's jars: `java CLASS` finds them from then on.
use_kafka() {
  [[ -z ${CLASSPATH:-} ]] || return 0
  "$kafka" tool kafka.Kafka --version >/dev/null || die "Apache Kafka's jars could not be resolved"
  CLASSPATH=$(<"$root/tests/apache-kafka/target/classpath")
  export CLASSPATH
}

# Compiles Java sources of this folder against them; `java CLASS` finds those, too, from then on.
compile_java() {
  need javac "the case is a Java program"
  use_kafka
  local classes=$work/classes
  mkdir -p "$classes"
  export CLASSPATH=$classes:$CLASSPATH
  (cd "$conformance" && javac -d "$classes" "$@") || die "$* could not be compiled"
}

# A Go module with its tests, in a folder that can be written to: `suite` from then on.
use_go_module() { # module, version
  need go "the tests are Go's"
  local source_dir
  suite=$work/${1##*/}-$2
  [[ ! -d $suite ]] || return 0
  source_dir=$(cd "$work" && go mod download -json "$1@v$2" | perl -ne 'print $1 if /"Dir": "(.*)"/')
  [[ -d $source_dir ]] || die "the Go module proxy has no $1 $2"
  cp -r "$source_dir" "$suite.new"
  chmod -R u+w "$suite.new" # Go's cache is read-only
  mv "$suite.new" "$suite"
}

# Runs the tests of a package of `suite`, and counts them; of tests in tests the outer one.
run_go_tests() { # seconds, log, package, further arguments
  local log=$2 outcome name
  (cd "$suite" && GOFLAGS=-mod=mod timeout "$(($1 + 60))" go test -count=1 -timeout "$1s" -v "$3" "${@:4}") >"$log" 2>&1 || true
  while read -r outcome name; do
    case $outcome in
      PASS) pass "$name" ;;
      FAIL) fail "$name" "see $log" ;;
      SKIP) skip "$name" ;;
    esac
  done < <(sed -n 's/^--- \(PASS\|FAIL\|SKIP\): \([^ ]*\) .*/\1 \2/p' "$log")
  ! grep -q '^panic: ' "$log" || fail "the tests ended early" "see $log"
  ((passed + failed > 0)) || die "no test ran: see $log"
}

# Compiles Tools.java, and sets `tool_jars`: what it loads anew for each tool, which must not be on its class path. That is Scala's
# library as well, whose Console keeps the output that it first sees.
use_tools() {
  local jar rest=()
  compile_java Tools.java
  tool_jars=()
  while read -r -d : jar; do
    case $jar in
      */kafka-tools-4.*.jar | *_2.13-*.jar | */scala-*.jar) tool_jars+=("$jar") ;;
      *) rest+=("$jar") ;;
    esac
  done <<<"$CLASSPATH:"
  CLASSPATH=$(IFS=:; echo "${rest[*]}")
  export CLASSPATH
}

# Sets `program`: ours, which stands in for the tools that it has.
use_program() {
  program=${KAFKA_APP:-}
  [[ -z $program ]] || return 0
  (cd "$root" && cargo build -q -p kafka-app --features cli) || die "the program could not be built"
  program=${CARGO_TARGET_DIR:-$root/target}/debug/kafka-app
}

# Of what a tool printed, whether something is said on standard error, and not what: our words may be better ones.
said() { awk '/^2> / { if ($0 ~ /[^ ]/ && !said) { said = 1 } next } /^\[exit / { if (said) print "2> something"; said = 0 } { print }'; }
