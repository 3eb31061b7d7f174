#!/bin/sh
# The one pre-commit hook: formats and lints the staged files. Installed by `npm run check` as .git/hooks/pre-commit.
files=$(git diff --cached --name-only --diff-filter=ACM | grep -E '\.(ts|mjs|json)$' | grep -v '^package-lock.json$')
[ -z "$files" ] && exit 0
# shellcheck disable=SC2086
exec npx --no-install biome check --error-on-warnings --no-errors-on-unmatched $files
