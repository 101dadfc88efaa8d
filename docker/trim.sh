#!/bin/sh
# Takes out of a virtual environment what serving never loads: trim.sh FOLDER.
# The figures are megabytes of 188, with the versions of locks/service.txt on x86-64.
set -eu
# Console scripts; the interpreter is a link.
find "$1/bin" -type f -delete
cd "$1"/lib/python3.*/site-packages

# 35: a second copy of onnxruntime, for C programs; the Python module has its own linked in.
rm -f onnxruntime/capi/libonnxruntime.so.*
# 4: tools that prepare models. Serving only runs them.
rm -rf onnxruntime/backend onnxruntime/datasets onnxruntime/quantization onnxruntime/tools onnxruntime/transformers
# 1: wraps Fortran, with a compiler that is not here.
rm -rf numpy/f2py
# 8: tests, and the modules of numpy that only they load.
find . -type d -name tests -prune -exec rm -rf {} +
rm -f numpy/_core/_simd.* numpy/_core/_*_tests.*.so
# 2: what compilers and type checkers read.
find . -type d -name include -prune -exec rm -rf {} +
find . -type f \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.pxi' -o -name '*.[ach]' -o -name '*.cpp' \) -delete
# 23: symbols, 14 of them uvloop's. The libraries in *.libs would give 1 more, but auditwheel has rewritten them.
find . -type f \( -name '*.cpython-*.so' -o -name '*.abi3.so' \) -exec strip --strip-unneeded {} +
