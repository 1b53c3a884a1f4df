# SPDX-License-Identifier: MIT
"""Libraries from files, include and load: where they are looked for, and what is said when they are
not there or no good: library_files.py SCHEME [OPTION...]"""
import os
import subprocess
import sys
import tempfile

scheme = os.path.abspath(sys.argv[1])
options = sys.argv[2:]
failures = 0
folder = tempfile.TemporaryDirectory()


def put(name, text):
    path = os.path.join(folder.name, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'w') as file:
        file.write(text)


def check(arguments, output='', error='', path=None, text='', cwd='.'):
    """Run the interpreter in a folder of the test's: what it prints, and to standard error."""
    global failures
    environment = {name: content for name, content in os.environ.items() if name != 'SCHEME_PATH'}
    if path is not None:
        environment['SCHEME_PATH'] = path
    result = subprocess.run([scheme, *options, *arguments], input=text, capture_output=True, text=True,
                            timeout=60, cwd=os.path.join(folder.name, cwd), env=environment)
    wanted = f'scheme: {error}\n' if error else ''
    if result.stdout != output or result.stderr != wanted or result.returncode != bool(error):
        failures += 1
        print(f'FAILED: {arguments}: status {result.returncode}, {result.stdout!r}, {result.stderr!r}')


def library(name, body, imports='', exports=''):
    return (f'(define-library {name}\n  (export {exports})\n  (import (scheme base) (scheme write) {imports})\n'
            f'  (begin\n    {body}))\n')


# ---- Where they are found

put('a/where.sld', library('(where)', "(define where 'a)", exports='where'))
put('b/where.sld', library('(where)', "(define where 'b)", exports='where'))
put('c/where.sld', library('(where)', "(define where 'c)", exports='where'))
put('where.sld', library('(where)', "(define where 'here)", exports='where'))
put('c/program.scm', '(import (scheme base) (scheme write) (where)) (write where)')
check(['c/program.scm'], 'c')
check(['-I', 'a', 'c/program.scm'], 'a')
check(['-I', 'none', '-Ib', '-I', 'a', 'c/program.scm'], 'b')
check(['c/program.scm'], 'a', path='a:b')
check(['c/program.scm'], 'b', path=':none::b:a')
check(['-I', 'b', 'c/program.scm'], 'b', path='a')
check(['-e', '(import (where)) where'], 'here\n')
check(['-'], 'here', text='(import (scheme base) (scheme write) (where)) (write where)')
put('d/other.scm', '(import (scheme base) (scheme write) (where)) (write where)')
check(['d/other.scm'], 'here')
check(['program.scm'], 'c', cwd='c')

# Parts of names: numbers, subfolders; a library that imports its neighbours is found along with them.
put('lib/my/lib.sld', '(define-library (my lib)\n  (export f twice more)\n  (import (scheme base) (my deep 2))\n'
    '  (include "body.scm" "deep/part.scm")\n  (include-ci "folded.scm")\n'
    '  (include-library-declarations "declarations.scm"))\n')
put('lib/my/body.scm', '(define (f x) (list (g x) more))')
put('lib/my/deep/part.scm', '(define part 1)')
put('lib/my/folded.scm', '(DEFINE MORE (QUOTE Sym))')
put('lib/my/declarations.scm', '(begin (define-syntax twice (syntax-rules () ((_ e) (begin e e)))))')
put('lib/my/deep/2.sld', library('(my deep 2)', '(define (g x)\n      (car x))\n    (display "body ")', exports='g'))
put('program.scm', '(import (scheme base) (scheme write) (only (my lib) f) (prefix (my lib) my:) (my deep 2))\n'
    "(my:twice (write (f '(1))))\n(f 5)")
check(['-I', 'lib', 'program.scm'], 'body (1 sym)(1 sym)', 'lib/my/deep/2.sld:6: car: not a pair: 5')
check(['-I', 'lib', '-e', "(cond-expand ((library (my lib)) 1) (else 2)) (cond-expand ((library (no lib)) 1) (else 2))"
       "(cond-expand ((library (my ..)) 1) (else 2))"], '1\n2\n2\n')
check(['-I', 'lib', '-e', '(import (my lib))', '-e', "(import (my lib) (my deep 2)) (f '(2))"], 'body (2 sym)\n')
check(['-I', 'lib', '-e', "(eval '(f (list 1)) (environment '(scheme base) '(my lib)))"], 'body (1 sym)\n')
# What a program defines itself, and what is built in, is not looked for.
put('srfi/1.sld', '(this is never read')
check(['-e', '(import (srfi 1)) (first (list 1))'], '1\n')
put('own.scm', library('(where)', "(define where 'own)", exports='where') +
    '(import (scheme write) (where)) (write where)')
check(['own.scm'], 'own')
# Bodies run once, those that are imported first, also along two ways.
for name, imports in [('base', ''), ('left', '(base)'), ('right', '(base)'), ('top', '(left) (right)')]:
    put(f'diamond/{name}.sld', library(f'({name})', f"(display '{name}) (display #\\space)", imports))
check(['-I', 'diamond', '-e', '(import (top)) (import (left) (base))'], 'base left right top ')

# ---- What is no good

put('c/bad.scm', '\n(import (no such))')
check(['-I', 'lib', '-I', 'a', 'c/bad.scm'],
      error='c/bad.scm:2: unknown library, and no no/such.sld in lib, a, b, c, .: (no such)', path='b')
for name in ['(my ..)', '(my |.|)', '(.. lib)', '(my /etc/passwd)', '(my a/b)', '(my "lib")', '(my -1)', '(my ||)',
             '()', '(my 1.5)']:
    check(['-e', f'(import {name})'],
          error=f"-e:1: unknown library, and its name can't be that of a file: {name}")
put('circle/a.sld', library('(a)', '(define x 1)', '(b)'))
put('circle/b.sld', library('(b)', '(define x 1)', '(c)'))
put('circle/c.sld', library('(c)', '(define x 1)', '(a)'))
check(['-I', 'circle', '-e', '(import (a))'],
      error='circle/c.sld:3: library imports itself, perhaps by way of others: (a)')
put('bad/other.sld', library('(another)', '(define x 1)'))
check(['-I', 'bad', '-e', '(import (other))'],
      error='-e:1: bad/other.sld does not define the library that it is there for: (other)')
put('bad/empty.sld', '')
check(['-I', 'bad', '-e', '(import (empty))'],
      error='-e:1: bad/empty.sld does not define the library that it is there for: (empty)')
put('bad/form.sld', '\n(define x 1)\n')
check(['-I', 'bad', '-e', '(import (form))'],
      error='bad/form.sld:2: a file of a library holds define-library only, not (define x 1)')
put('bad/syntax.sld', library('(syntax)', '(define (f)\n      (if))'))
check(['-I', 'bad', '-e', '(import (syntax))'], error='bad/syntax.sld:6: malformed if (if)')
put('bad/body.sld', library('(body)', '(define x\n      (car 1))'))
check(['-I', 'bad', '-e', '(import (body))'], error='bad/body.sld:6: car: not a pair: 1')
put('bad/export.sld', library('(export)', '(define x 1)', exports='y'))
check(['-I', 'bad', '-e', '(import (export))'], error='-e:1: exported but not defined: y')
put('bad/include.sld', '(define-library (include)\n  (import (scheme base))\n  (include "no-such.scm"))')
check(['-I', 'bad', '-e', '(import (include))'], error='bad/include.sld:3: can\'t open: No such file or directory: "no-such.scm"')
put('bad/text.sld', '(define-library (text)\n  (import (scheme base))\n  (include "text.scm"))')
put('bad/text.scm', '(define x 1)\n#q\n')
check(['-I', 'bad', '-e', '(import (text))'], error='bad/text.scm:2: read: unknown # syntax in column 1')
# One that failed is read anew, by a program that goes on.
put('retry.scm', '''
(define (attempt)
  (guard (e (#t (display (error-object-message e)) (newline)))
    (eval '(import (flaky)) (interaction-environment))
    (write (eval 'x (interaction-environment)))))
(define (put text)
  (call-with-output-file "flaky.sld" (lambda (port) (display text port))))
(put "(define-library (flaky) (export x) (import (scheme base)) (begin (define x (if))))")
(attempt)
(put "(define-library (flaky) (export x) (import (scheme base)) (begin (define x (car 1))))")
(attempt)
(put "(define-library (flaky) (export x) (import (scheme base)) (begin (define x 1)))")
(attempt)
(put "(define-library (flaky) (export x) (import (scheme base)) (begin (define x 2)))")
(attempt)
''')
check(['retry.scm'], 'flaky.sld:1: malformed if\ncar: not a pair:\n11')

# The same when it defined one before what was wrong: it is not half there.
put('half.sld', library('(half)', '(define x 1)', exports='x') + '(if)\n')
put('again.scm', '''
(define (attempt)
  (guard (e (#t (display (error-object-message e)) (newline)))
    (display (eval 'x (environment '(half))))))
(attempt)
(attempt)
''')
check(['again.scm'], 2 * 'half.sld:6: a file of a library holds define-library only, not\n')

# ---- load and include: beside the file that names them, then in the current folder

put('p/main.scm', '(load "q/part.scm") (load "beside.scm") (load "away.scm") (include "q/part.scm")')
put('p/q/part.scm', '(display "part ") (load "inner.scm")')
put('p/q/inner.scm', '(display "inner ")')
put('p/inner.scm', '(display "wrong ")')
put('p/beside.scm', '(display "beside ")')
put('beside.scm', '(display "wrong ")')
put('away.scm', '(display "away ")')
put('inner.scm', '(display "wrong ")')
check(['p/main.scm'], 'part inner beside away part wrong ')
check(['-l', 'p/main.scm', '-e', '(load "beside.scm")'], 'part inner beside away part wrong wrong ')

print('library files:', f'{failures} failed' if failures else 'all as they should be')
sys.exit(1 if failures else 0)
