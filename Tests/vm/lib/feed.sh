# The feed in a guest: portcullis-feed beside the daemon, and a gRPC client that writes down what it gets.

FEED_PYTHON=${PORTCULLIS_FEED_CACHE:-/var/cache/portcullis-feed}/venv/bin/python

# feed_is_here: the feed is built and its client is there; why not, otherwise.
feed_is_here() {
    [ -x "$BIN/portcullis-feed" ] || { NO_FEED='portcullis-feed is not built (make feed)'; return 1; }
    [ -x "$FEED_PYTHON" ] && "$FEED_PYTHON" -c 'import feeder_pb2_grpc' 2>/dev/null || { NO_FEED='there is no gRPC client (Tests/feed/fetch)'; return 1; }
}

# feed_begin: from here on alerts are written to $W/feed-alerts.json, as karmor prints them, and those of the daemon's own JSON behind line $FEED_FROM.
feed_begin() {
    rm -f $W/feed.sock $W/feed-alerts.json
    # What is started in the background empties them only when it runs: until then they would say that those of the last check are ready.
    : >"$OUT/feed.log"
    : >$W/feed-client.log
    "$BIN/portcullis-feed" --config /dev/null --events-socket $W/run-events/events.sock --grpc-socket $W/feed.sock >"$OUT/feed.log" 2>&1 </dev/null &
    FEED_PID=$!
    eventually 20 grep -q 'connected to portcullisd' "$OUT/feed.log" || { fail "the feed does not connect: $(tail -n 2 "$OUT/feed.log")"; return; }
    "$FEED_PYTHON" "$here/../feed/client.py" --target unix:$W/feed.sock alerts --filter all --timeout 3000 --event-id 1001 >$W/feed-alerts.json 2>$W/feed-client.log </dev/null &
    FEED_CLIENT=$!
    eventually 60 grep -q READY $W/feed-client.log || fail "the feed's client does not connect: $(tail -n 2 $W/feed-client.log)"
    FEED_FROM=$(($(wc -l <$W/alerts.json) + 1))
}

# feed_end: what came is what the daemon itself said, field by field, and as the schema has it.
feed_end() {
    local compared
    tail -n +$FEED_FROM $W/alerts.json >$W/native-alerts.json
    eventually 20 feed_has_all || :
    kill $FEED_CLIENT $FEED_PID
    wait $FEED_CLIENT $FEED_PID 2>/dev/null
    compared=$("$FEED_PYTHON" "$here/../feed/compare" $W/native-alerts.json $W/feed-alerts.json) || fail "gRPC: $compared"
    "$FEED_PYTHON" "$here/../feed/validate.py" $W/feed-alerts.json >$W/said || fail "gRPC: $(head -n 5 $W/said)"
    note "gRPC: ${compared##*$'\n'}"
}
feed_has_all() { [ "$(grep -c '"type":"alert"' $W/native-alerts.json)" = "$(wc -l <$W/feed-alerts.json)" ]; }
