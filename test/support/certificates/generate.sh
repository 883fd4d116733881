#!/usr/bin/env bash
# Makes the certificates of the tests anew; see README.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out "$1-key.pem"; }

# authority NAME SUBJECT
authority() {
  key "$1"
  openssl req -x509 -new -key "$1-key.pem" -out "$1.pem" -days 36500 -subj "/CN=$2" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
}

# signed NAME SUBJECT EXTENSION [START END]
signed() {
  key "$1"
  printf '%s\n' "$3" >"$work/extensions"
  openssl req -new -key "$1-key.pem" -subj "/CN=$2" -out "$work/request"
  : >"$work/index"
  openssl ca -batch -notext -config <(printf '%s\n' '[ca]' 'default_ca=d' '[d]' "database=$work/index" \
    "new_certs_dir=$work" 'default_md=sha256' 'policy=p' 'rand_serial=yes' '[p]' 'CN=supplied') \
    -cert authority.pem -keyfile authority-key.pem -in "$work/request" -out "$1.pem" \
    -extfile "$work/extensions" -startdate "${4:-20200101000000Z}" -enddate "${5:-21200101000000Z}" 2>/dev/null
}

authority authority 'aionode test authority'
key self-signed
openssl req -x509 -new -key self-signed-key.pem -out self-signed.pem -days 36500 -subj /CN=localhost \
  -addext basicConstraints=CA:FALSE -addext subjectAltName=DNS:localhost,IP:127.0.0.1
signed server localhost 'subjectAltName=DNS:localhost,IP:127.0.0.1'
signed other other.example 'subjectAltName=DNS:other.example'
signed expired localhost 'subjectAltName=DNS:localhost,IP:127.0.0.1' 20200101000000Z 20200102000000Z
signed client client 'extendedKeyUsage=clientAuth'
rm -f authority-key.pem
