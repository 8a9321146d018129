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
server_pid=''
bootstrap=''
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

# Reads `--bootstrap-server HOST:PORT`; everything else is left in `arguments`.
read_arguments() {
  while (($# > 0)); do
    case $1 in
      --bootstrap-server) (($# >= 2)) || die "--bootstrap-server needs HOST:PORT" 2; bootstrap=$2; shift ;;
      -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;;
      *) arguments+=("$1") ;;
    esac
    shift
  done
}

# The dev server, built from this tree unless KAFKA_APP names one, and unless a running Kafka was named. Arguments are its own.
start_broker() {
  [[ -z $bootstrap ]] || return 0
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
}

stop_broker() {
  [[ -n $server_pid ]] || return 0
  kill -TERM "$server_pid" 2>/dev/null || true
  timeout 10 tail -s 0.1 --pid="$server_pid" -f /dev/null || kill -KILL "$server_pid" 2>/dev/null || true
  server_pid=''
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

# Compiles Java sources of this folder against Apache Kafka's jars; `java CLASS` finds them from then on.
compile_java() {
  need javac "the case is a Java program"
  if [[ -z ${CLASSPATH:-} ]]; then
    "$kafka" tool kafka.Kafka --version >/dev/null || die "Apache Kafka's jars could not be resolved"
    CLASSPATH=$(<"$root/tests/apache-kafka/target/classpath")
  fi
  local classes=$work/classes
  mkdir -p "$classes"
  export CLASSPATH=$classes:$CLASSPATH
  (cd "$conformance" && javac -d "$classes" "$@") || die "$* could not be compiled"
}
