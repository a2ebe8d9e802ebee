#!/bin/sh
# Writes src/transport/gen/ from proto/. The result is committed, so nobody needs buf to build or install.
#
# buf comes through npx and is no dependency: its binary weighs 93 MB. Version 1.75.0 lacks most platforms.
set -eu
cd "$(dirname "$0")/.."

out=src/transport/gen
rm -rf "$out"
npx -y @bufbuild/buf@1.74.0 generate proto --template '{
  "version": "v2",
  "plugins": [
    {
      "local": "node_modules/.bin/protoc-gen-es",
      "out": "'"$out"'",
      "opt": ["target=ts", "import_extension=ts", "erasable_syntax=true"]
    }
  ]
}'

find "$out" -name '*.ts' | while read -r file; do
  { echo '// Do not edit. To generate it anew from proto/: scripts/generate-proto.sh'; cat "$file"; } >"$file.new"
  mv "$file.new" "$file"
done
npx prettier --log-level warn --write "$out"
