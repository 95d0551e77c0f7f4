#!/usr/bin/env bash
# Tries the campaign calls of the HTTP API, one after the other: create, fetch, list, add recipients, list recipients, stats;
# and send, only with --send. Needs curl, and nothing else.
#
#   BLASTDECK_URL=http://127.0.0.1:8080 BLASTDECK_TOKEN=bd_… ./campaign.sh [--send] +60123456789 [+60…]
#
# TEMPLATE and TEMPLATE_LANGUAGE name an approved template with two variables, if it is not the one below.
set -euo pipefail

url="${BLASTDECK_URL:-http://127.0.0.1:8080}/api/whatsapp/campaigns"
: "${BLASTDECK_TOKEN:?make one with: blastdeck token new NAME --scope write}"
template="${TEMPLATE:-tour_package_marketing}"
language="${TEMPLATE_LANGUAGE:-en_US}"
send=no
if [ "${1:-}" = --send ]; then send=yes; shift; fi
[ $# -gt 0 ] || { echo "name at least one phone number, such as +60123456789" >&2; exit 2; }

# One call: method, path behind the campaigns' address, and perhaps a body. A refusal ends the script.
call() {
    local body=()
    if [ $# -gt 2 ]; then body=(--header 'Content-Type: application/json' --data "$3"); fi
    echo "== $1 ${2:-/}" >&2
    curl --silent --show-error --fail-with-body --max-time 60 --request "$1" "$url$2" \
        --header "Authorization: Bearer $BLASTDECK_TOKEN" "${body[@]}"
    echo
}

# A new key for each run. A call that is repeated with its key makes no second campaign.
key="example-$(date +%s)-$$"
first="{\"phoneNumber\":\"$1\",\"name\":\"First Customer\",\"variables\":{\"1\":\"Bali Premium Package\"}}"
made=$(curl --silent --show-error --fail-with-body --max-time 60 --request POST "$url" \
    --header "Authorization: Bearer $BLASTDECK_TOKEN" --header 'Content-Type: application/json' \
    --header "Idempotency-Key: $key" \
    --data "{\"name\":\"Example campaign\",\"description\":\"Made by campaign.sh\",\"templateName\":\"$template\",
             \"templateLanguage\":\"$language\",\"templateVariables\":{\"1\":\"Bali\",\"2\":\"450\"},
             \"recipients\":[$first],\"rateLimit\":10}") || { echo "$made" >&2; exit 1; }
echo "$made"
id=$(printf '%s' "$made" | grep -o '"id":"[0-9]*"' | head -n 1 | tr -dc 0-9)

call GET "/$id"
call GET "?page=1&limit=5"
shift
for phone in "$@"; do
    call POST "/$id/recipients" "{\"recipients\":[{\"phoneNumber\":\"$phone\"}]}"
done
call GET "/$id/recipients?page=1&limit=20"
call GET "/$id/stats"
if [ "$send" = yes ]; then call POST "/$id/send" '{}'; else echo "not sent: give --send to send it"; fi
