# Runs COMMAND as a child and lives no longer than whoever holds the other end of its standard input.
#
#   leash.sh SIGNAL GRACE_SECONDS REMOVE COMMAND [ARGUMENT…]
#
# When standard input ends, because the holder closed it or because the holder is gone (a kill -9 included), COMMAND gets
# SIGNAL, after GRACE_SECONDS SIGQUIT, and ten seconds later SIGKILL. The exit code is that of COMMAND. A non-empty REMOVE
# names a folder that is removed once COMMAND has ended.
signal=$1 grace=$2 remove=$3
shift 3

# A signal meant for a whole process group must not end the leash before the server. A handler, not '': children reset it.
trap : HUP INT TERM

# The shell would give a background child /dev/null as standard input, so the pipe is kept under another number.
exec 3<&0
"$@" </dev/null 3<&- &
server=$!

ended_within() {
  tenths=$(($1 * 10))
  while [ "$tenths" -gt 0 ]; do
    kill -0 "$server" 2>/dev/null || return 0
    sleep 0.1
    tenths=$((tenths - 1))
  done
  return 1
}

(
  trap '' HUP INT TERM
  while read -r _ <&3; do :; done
  kill -s "$signal" "$server" 2>/dev/null
  ended_within "$grace" && exit
  kill -s QUIT "$server" 2>/dev/null
  ended_within 10 && exit
  kill -s KILL "$server" 2>/dev/null
) >/dev/null 2>&1 &
watcher=$!

# A trapped signal interrupts wait, so the loop asks whether the server is really gone.
wait "$server"
code=$?
while kill -0 "$server" 2>/dev/null; do
  wait "$server"
  code=$?
done

kill -s KILL "$watcher" 2>/dev/null
[ -n "$remove" ] && rm -rf "$remove"
exit "$code"
