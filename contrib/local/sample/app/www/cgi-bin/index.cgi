#!/bin/sh
# Answers every request for the page; `serve` has made it, headers and all.
if [ "$REQUEST_METHOD" = HEAD ]; then
    exec sed '/^.$/q' /app/page
fi
exec cat /app/page
