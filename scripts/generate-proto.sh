#!/bin/sh
# Writes the generated code of proto/ beside the code that uses it. The result is committed, so nobody needs buf to
# build or install.
#
# buf comes through npx and is no dependency: its binary weighs 93 MB. Version 1.75.0 lacks most platforms.
set -eu
cd "$(dirname "$0")/.."

# generate PROTO_FOLDER OUTPUT_FOLDER
generate() {
  rm -rf "$2"
  npx -y @bufbuild/buf@1.74.0 generate proto --path "proto/$1" --template '{
    "version": "v2",
    "plugins": [
      {
        "local": "node_modules/.bin/protoc-gen-es",
        "out": "'"$2"'",
        "opt": ["target=ts", "import_extension=ts", "erasable_syntax=true"]
      }
    ]
  }'
  find "$2" -name '*.ts' | while read -r file; do
    { echo '// Do not edit. To generate it anew from proto/: scripts/generate-proto.sh'; cat "$file"; } >"$file.new"
    mv "$file.new" "$file"
  done
  npx prettier --log-level warn --write "$2"
}

generate skytale/relay src/transport/gen
generate skytale/channel src/actors/channel/gen
generate skytale/envelope src/client/envelope/gen
generate grpc src/relay/front/gen
