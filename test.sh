#!/usr/bin/env bash
# Installs what the tests need, builds, checks the style, and runs every test.
#
#   ./test.sh                          everything
#   ./test.sh --filter EXPRESSION      the tests that `dotnet test --filter EXPRESSION` takes, without the style check
#
# The last line is "N passed, N failed, N skipped". A peer that cannot be installed is a skip with a name and a reason. Where the package
# registry has no Orleans, or no Redis can be had, the suites of the cluster are skipped.
# Besides ignored folders (bin, obj, node_modules, TestResults) nothing in the repository is written.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1

readonly everything=OrleansEdge.sln
readonly without_orleans=OrleansEdge.Standalone.slnf
readonly peers=tests/OrleansEdge.EndToEnd/peers
readonly results=TestResults
readonly project_minutes=20

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0

filter=()
case "${1:-}" in
  "") ;;
  --filter) filter=(--filter "${2:?--filter needs an expression}") ;;
  *) echo "usage: ./test.sh [--filter EXPRESSION]" >&2; exit 2 ;;
esac

say() { printf '\n== %s\n' "$*"; }

# Servers live in sbin, which is not on every user's path.
has() { PATH="$PATH:/usr/sbin" command -v "$1" > /dev/null; }

# Test projects of a solution, or of a solution filter.
test_projects() { tr -s '\\' '/' < "$1" | grep -o 'tests/[^"]*\.csproj' | xargs grep -l 'Microsoft.NET.Test.Sdk' | sort; }

cluster_suites() { comm -23 <(test_projects $everything) <(test_projects $without_orleans); }

install_debian_packages() {
  local wanted=()
  has nginx || wanted+=(nginx-light)
  has redis-server || wanted+=(redis-server)
  has mosquitto || wanted+=(mosquitto)
  has chromium || wanted+=(chromium)
  /usr/bin/python3 -c 'import websockets' 2> /dev/null || wanted+=(python3-websockets)
  [ ${#wanted[@]} -eq 0 ] && return
  if [ "$(id -u)" -ne 0 ] || ! has apt-get; then
    echo "not installed, and not installable here: ${wanted[*]}"
    return
  fi

  # The packages' own services must not run: the tests start what they need on ports of their own.
  local policy=/usr/sbin/policy-rc.d made=
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' > $policy && chmod +x $policy && made=yes
  fi
  timeout 300 apt-get update -qq
  local package
  for package in "${wanted[@]}"; do
    DEBIAN_FRONTEND=noninteractive timeout 600 apt-get install -y -qq --no-install-recommends "$package" > /dev/null \
      || echo "$package could not be installed"
  done
  [ -n "$made" ] && rm -f $policy
  local service
  for service in nginx redis-server mosquitto; do
    [[ " ${wanted[*]} " == *" $service"* ]] && has service && service $service stop > /dev/null 2>&1
  done
}

install_npm_packages() {
  has npm || { echo "npm is not installed"; return; }
  timeout 300 npm install --prefix $peers --no-package-lock --no-audit --no-fund --loglevel=error \
    || echo "npm packages could not be installed"
}

# Runs a command as a process group of its own with a limit, and leaves nothing of the group behind.
run_alone() {
  timeout --kill-after=30 "${project_minutes}m" "$@" < /dev/null &
  group=$!
  local code=0
  wait "$group" || code=$?
  kill -KILL -- "-$group" 2> /dev/null
  group=
  return $code
}

group=
trap '[ -n "$group" ] && kill -KILL -- "-$group" 2> /dev/null; exit 130' INT TERM

# A result file as lines "outcome<TAB>test<TAB>reason".
read_results() {
  awk '
    function unescape(text) {
      gsub(/&lt;/, "<", text); gsub(/&gt;/, ">", text); gsub(/&quot;/, "\"", text); gsub(/&#xD;|&#xA;/, " ", text); gsub(/&amp;/, "\\&", text)
      return text
    }
    /<UnitTestResult / {
      match($0, / testName="[^"]*"/); name = substr($0, RSTART + 11, RLENGTH - 12)
      match($0, / outcome="[^"]*"/); outcome = substr($0, RSTART + 10, RLENGTH - 11)
      reason = ""
      if (/\/>[[:space:]]*$/) { print outcome "\t" unescape(name) "\t"; name = "" }
    }
    name != "" && reason == "" && /<Message>/ { reason = $0; sub(/.*<Message>/, "", reason); sub(/<\/Message>.*/, "", reason) }
    /<\/UnitTestResult>/ { print outcome "\t" unescape(name) "\t" unescape(reason); name = "" }
  ' "$1"
}

say "Peers"
install_debian_packages
install_npm_packages

# Why the suites of the cluster cannot run; empty: they can.
no_cluster=
has redis-server || no_cluster="redis-server is not installed"

say "Restore"
solution=$everything
if ! restored=$(dotnet restore $everything -v quiet 2>&1); then
  if grep -qE 'NU1(10[123]|301).*Microsoft\.Orleans' <<< "$restored"; then
    no_cluster="the package registry has no Orleans packages"
    solution=$without_orleans
    echo "The package registry has no Orleans packages: $without_orleans is built and tested, without the cluster."
  else
    echo "$restored"
  fi
fi

say "Build"
# No compiler server and no build nodes: nothing may outlive this script.
dotnet build "$solution" -c Release -nodeReuse:false -p:UseSharedCompilation=false -v quiet || {
  printf '\nThe build failed.\n0 passed, 1 failed, 0 skipped\n'
  exit 1
}

passed=0 failed=0 skipped=0 faults=()
if [ ${#filter[@]} -eq 0 ]; then
  say "Style"
  dotnet format style "$solution" --verify-no-changes --no-restore -v quiet || faults+=("dotnet format style would change files")
fi

say "Tests"
rm -rf "$results"
outcomes=
left_out=
[ -n "$no_cluster" ] && left_out=$(cluster_suites)
while read -r project; do
  name=$(basename "$project" .csproj)
  if grep -qxF "$project" <<< "$left_out"; then
    outcomes+="NotExecuted"$'\t'"$name"$'\t'"$no_cluster"$'\n'
    continue
  fi

  echo "-- $name"
  code=0
  run_alone dotnet test "$project" -c Release --no-build "${filter[@]}" --results-directory "$results" \
    --logger "trx;LogFileName=$name.trx" --logger "console;verbosity=minimal" || code=$?
  of_project=
  [ -f "$results/$name.trx" ] && of_project=$(read_results "$results/$name.trx")
  if [ "$code" -ne 0 ] && ! grep -q '^Failed' <<< "$of_project"; then
    faults+=("$name: the test run ended with code $code")
  fi
  outcomes+=$of_project$'\n'
done < <(test_projects $everything)

passed=$(grep -c '^Passed' <<< "$outcomes")
skipped=$(grep -c '^NotExecuted' <<< "$outcomes")
failed=$(grep -cvE '^(Passed|NotExecuted|$)' <<< "$outcomes")
[ $((passed + failed)) -eq 0 ] && faults+=("no test ran")

if [ "$skipped" -gt 0 ]; then
  say "Skipped"
  awk -F '\t' '$1 == "NotExecuted" { print $2 ": " $3 }' <<< "$outcomes" | sort
fi
if [ "$failed" -gt 0 ] || [ ${#faults[@]} -gt 0 ]; then
  say "Failed"
  awk -F '\t' '$1 != "" && $1 != "Passed" && $1 != "NotExecuted" { print $2 }' <<< "$outcomes" | sort
  [ ${#faults[@]} -gt 0 ] && printf '%s\n' "${faults[@]}"
fi

failed=$((failed + ${#faults[@]}))
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
