# shellcheck shell=bash disable=SC2154
# Servers that somebody else runs: only checked, never touched.
