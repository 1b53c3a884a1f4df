# SPDX-License-Identifier: MIT
"""What the interpreter says, and its exit status, when something is wrong: errors.py SCHEME"""
import os
import re
import subprocess
import sys
import tempfile

scheme = os.path.abspath(sys.argv[1])
failures = 0


def run(arguments, text=None, environment=None, cwd=None):
    return subprocess.run([scheme, *arguments], input=text, capture_output=True, text=True,
                          timeout=60, cwd=cwd, env={**os.environ, **(environment or {})})


def check(what, ok, result):
    global failures
    if not ok:
        failures += 1
        print(f'FAILED: {what}: status {result.returncode}, {result.stdout!r}, {result.stderr!r}')


def program(text, status, error, arguments=(), output=None):
    """Run a program: its status, and what standard error holds ({} is the file's name) after the
    command's, with which each line begins."""
    with tempfile.NamedTemporaryFile('w', suffix='.scm') as file:
        file.write(text)
        file.flush()
        result = run([file.name, *arguments])
        wanted = 'scheme: ' + error.replace('{}', file.name).replace('{folder}', tempfile.gettempdir()) if error else ''
        ok = result.returncode == status and result.stderr == wanted
        check(text, ok and (output is None or result.stdout == output), result)


program('(display 1)\n(car 5)\n', 1, '{}:2: car: not a pair: 5\n', output='1')
program('(define (f x)\n  (+ 1\n     (g x)))\n(define (g x)\n  (vector-ref x 9))\n(f (vector 1))\n', 1,
        '{}:5: vector-ref: index is out of range 0..0: 9\n')
program('(define (f)\n  (error "went wrong:" "text" \'sym 12))\n(f)\n', 1,
        '{}:2: went wrong: "text" sym 12\n')
program('\n\n(display undefined-name)\n', 1, '{}:3: unbound variable: undefined-name\n')
program('(define x 1)\n\n  undefined-name\n', 1, '{}:3: unbound variable: undefined-name\n')
program('(define (f)\n  (list 1\n    2\n    undefined-name))\n(f)\n', 1,
        '{}:4: unbound variable: undefined-name\n')
program('(set! undefined-name\n  1)\n', 1, '{}:1: unbound variable: undefined-name\n')
program('(define (f)\n  (list (eval \'undefined-name (interaction-environment))))\n(f)\n', 1,
        '{}:2: unbound variable: undefined-name\n')
program('(import (scheme base))\n(list 1\n  (display 1))\n', 1, '{}:3: unbound variable: display\n')
program('(import (scheme base) (only (scheme write) no-such))\n', 1, '{}:1: not exported: no-such\n')
program('(import (only (scheme base) list))\n\n(define x 1)\n', 1, '{}:3: not imported: define\n')
program('(define-library (l)\n  (export f)\n  (import (scheme base))\n  (begin\n    (define (f x)\n'
        '      (car x))))\n(import (l))\n(f 5)\n', 1, '{}:6: car: not a pair: 5\n')
program('(let ()\n  (include "no-such-file.scm"))\n', 1,
        '{}:2: can\'t open: No such file or directory: "no-such-file.scm"\n')
program('(raise \'thing)\n', 1, '{}:1: uncaught exception: thing\n')
program('(display "x")\n(if)\n', 1, '{}:2: malformed if (if)\n')
program('(define x\n', 1, '{}:1: read: no ) closes the ( in column 1\n')
program('(map (lambda (x)\n  (car x))\n  (list 1))\n', 1, '{}:2: car: not a pair: 1\n')
program('(map car\n (list 1))\n', 1, '{}:1: car: not a pair: 1\n')
program('(define (f x)\n  (if x\n    (raise x)\n    1))\n(f 5)\n', 1, '{}:3: uncaught exception: 5\n')
program('(list 1)\n((lambda (x) x))\n', 1,
        '{}:2: procedure at {}:2: takes 1 argument, got 0\n')
for call, message in [
        ('(car 1 2)', 'car: takes 1 argument, got 2'),
        ('(vector-ref 1)', 'vector-ref: takes 2 arguments, got 1'),
        ('(apply number->string 1 2 3 (list 4))', 'number->string: takes 1 or 2 arguments, got 4'),
        ('(eof-object 1)', 'eof-object: takes no arguments, got 1'),
        ('(cons*)', 'cons*: takes at least 1 argument, got 0'),
        ('(define (f a b . c) a)(f 1)', 'f: takes at least 2 arguments, got 1'),
        ('(define (f) 1)(f 1)', 'f: takes no arguments, got 1'),
        ('(let ((g (lambda (x) x))) (g))', 'g: takes 1 argument, got 0'),
        ('(define f (case-lambda ((a) 1) ((a b c) 2) ((a b c d . e) 3)))(f)',
         'f: takes 1, 3 or at least 4 arguments, got 0'),
        ('((make-parameter 1) 2)', 'parameter: takes no arguments, got 1'),
        ('(define-record-type point (make-point x y) point? (x point-x set-x!) (y y))(make-point 1)',
         'make-point: takes 2 arguments, got 1'),
        ('(define-record-type point (make-point x) point? (x point-x))(point-x 5)',
         'point-x: not a record of type point: 5'),
        ('(define-record-type point (make-point x) point? (x point-x set-x!))(set-x! 5 6)',
         'set-x!: not a record of type point: 5'),
        ('(vector-ref (vector 1 2 3) 10)', 'vector-ref: index is out of range 0..2: 10'),
        ('(string-ref "abc" -1)', 'string-ref: index is out of range 0..2: -1'),
        ('(bytevector-u8-ref (bytevector) 0)', 'bytevector-u8-ref: there is nothing at an index: 0'),
        ('(list-ref (list 1 2) 2)', 'list-ref: index is out of range 0..1: 2'),
        ('(list-tail (list 1 2) 3)', 'list-tail: index is out of range 0..2: 3'),
        ('(vector-ref (vector 1) 1.)', 'vector-ref: argument 2 is not an index: 1.0'),
        ('(let ((x 0)) (string-set! "abc" x x))', 'string-set!: argument 3 is not a character: 0'),
        ('(substring "abc" 2 1)', 'substring: range ends before it starts: 2 1'),
        ('(vector-copy! (vector 1) 0 (vector 1 2))', 'vector-copy!: items don\'t fit at index: 2 0'),
        ('(exact->inexact \'x)', 'inexact: not a number: x'),
        ('(error-object-message 1)', 'error-object-message: not an error object: 1'),
        ('(hash-table-set! 1 2 3)', 'hash-table-set!: argument 1 is not a hash table: 1'),
        ('(define-syntax m (syntax-rules () ((_ x) x)))(m 1 2 3 4 (5 6 (7 (8 9))) 10 11 12 13)',
         'macro m: no rule matches (m 1 2 3 4 (5 6 (7 (... ...))) 10 11 ...)')]:
    program(call + '\n', 1, '{}:1: ' + message + '\n')
program('("no procedure" 1)\n', 1, '{}:1: not a procedure: "no procedure"\n')
program('(+ 1 "2")\n', 1, '{}:1: +: not a number: "2"\n')
program('(import (no such library))\n', 1, 
        '{}:1: unknown library, and no no/such/library.sld in {folder}, .: (no such library)\n')
program('(let ((x 1) (x 2)) x)\n', 1, '{}:1: parameter is there twice: x\n')
program('(define (f n)\n  (+ 1 (f n)))\n(f 1)\n', 1, '{}:2: stack overflow: deeper than 512 MiB (--stack)\n')
program('(define-syntax loop\n  (syntax-rules () ((_ x) (loop x))))\n\n(list 1\n  (loop 5))\n', 1,
        '{}:5: macro loop: its expansion has no end, or takes more than 256 MiB (--expansion)\n')
program('(define-syntax nest\n  (syntax-rules () ((_ x) (list (nest x)))))\n(define (f)\n  (nest 5))\n', 1,
        '{}:4: macro nest: what it expands to is nested too deeply\n')
program('(display 1)\n' + '(list ' * 9000 + ')' * 9000, 1, '{}:2: forms are nested too deeply\n',
        output='1')
program('(with-exception-handler\n  (lambda (e) 0)\n  (lambda () (raise \'x)))\n', 1,
        '{}:3: handler returned from non-continuable raise x\n')
program('(open-input-file "/no/such/file")\n', 1,
        '{}:1: can\'t open: No such file or directory: "/no/such/file"\n')
program('(exit 7)\n', 7, '')
program('(exit)\n', 0, '')
program('(exit #f)\n', 1, '')
program('(dynamic-wind (lambda () 0) (lambda () (exit 3)) (lambda () (display "out")))\n', 3, '',
        output='out')
program('(exit #t)\n', 0, '')
program('(exit 256)\n', 0, '')
program('(exit \'other)\n', 1, '')
program('(dynamic-wind (lambda () 0) (lambda () (emergency-exit 4)) (lambda () (display "out")))\n', 4,
        '', output='')
program('(with-exception-handler (lambda (e) (exit 5)) (lambda () (car 1)))\n', 5, '')
program('(import (scheme process-context) (scheme write))\n(display "x")\n(exit 6)\n', 6, '', output='x')
program('(write (cdr (command-line)))\n', 0, '', ['a', '-b', '--stats', '--', '-e'],
        '("a" "-b" "--stats" "--" "-e")')
program('(display "kept")', 0, '', output='kept')

result = run([], text='(display (+ 1 2))\n(newline)\n(car 1)\n')
check('standard input', result.returncode == 1 and result.stdout == '3\n' and
      result.stderr == 'scheme: standard input:3: car: not a pair: 1\n', result)
result = run(['-e', '(list 1 "a")'])
check('-e', result.returncode == 0 and result.stdout == '(1 "a")\n', result)
result = run(['-e', '(define x 2) (define-syntax one (syntax-rules () ((_) 1))) (values x "b") (if #f #f) (* x 3)'])
check('-e with several forms', result.returncode == 0 and result.stdout == '2\n"b"\n6\n', result)
result = run(['-e', '(+ 1\n undefined-name)'])
check('-e error', result.returncode == 1 and result.stderr == 'scheme: -e:2: unbound variable: undefined-name\n',
      result)
result = run([], text='(import (scheme base))\n(car (list 1))\n(display 1)\n')
check('import on standard input', result.returncode == 1 and
      result.stderr == 'scheme: standard input:3: unbound variable: display\n', result)
result = run(['/no/such/program.scm'])
check('missing file', result.returncode == 1 and 'No such file' in result.stderr, result)
# A command line that is no good: one line that names what was given and what is accepted.
for arguments, words in [
        (['--wrong'], ["unknown option '--wrong'", '--help']), (['-x'], ["unknown option '-x'", '--help']),
        (['-hx'], ["'-hx'"]), (['--stat'], ["'--stat'"]), (['--stats=1'], ['--stats takes no value', "'1'"]),
        (['-e'], ['-e needs EXPRESSION']), (['--eval'], ['--eval needs EXPRESSION']),
        (['-l'], ['-l needs FILE']), (['-I'], ['-I needs FOLDER']), (['--stack'], ['--stack needs MIB']),
        (['--syntax'], ['--syntax needs WHERE']), (['--offheap'], ['--offheap needs SIZE']),
        (['--stack', 'abc'], ['--stack', '1 to 1048576', "'abc'"]), (['--stack', '0'], ["'0'"]),
        (['--stack', '-1'], ["'-1'"]), (['--stack='], ["''"]), (['--stack', ' 5'], ["' 5'"]),
        (['--stack', '1048577'], ["'1048577'"]), (['--stack', '99999999999999999999'], ['1048576']),
        (['--heap', '0'], ['--heap', '1 to 1048576', "'0'"]), (['--heap', '1048577'], ["'1048577'"]),
        (['--syntax', 'no'], ['arena, apart or heap', "'no'"]),
        (['--offheap', '0'], ['bytes from 1', 'none', "'0'"]), (['--offheap', '1k'], ["'1k'"])]:
    result = run([*arguments, '-e', '1'] if len(arguments) > 1 else arguments, text='')
    check(arguments, result.returncode == 2 and not result.stdout and result.stderr.count('\n') == 1 and
          result.stderr.startswith('scheme: ') and all(word in result.stderr for word in words), result)

for option in ['-h', '--help']:
    result = run([option, '--wrong'])
    check(option, result.returncode == 0 and result.stdout.startswith('usage: scheme') and
          '--version' in result.stdout and not result.stderr, result)
result = run(['--version'])
check('--version', result.returncode == 0 and re.fullmatch(r'scheme \(Gait\) [\d.]+\n', result.stdout), result)
for option in ['--help', '--version']:
    with open('/dev/full', 'w') as full:
        result = subprocess.run([scheme, option], stdout=full, stderr=subprocess.PIPE, text=True)
    check(f'{option} to a full disk', result.returncode == 1 and
          result.stderr.startswith('scheme: standard output: '), result)

result = run(['-e', '(define x 2)', '-e', '(* x 3)', '--eval', '(+ x 4)', '--eval=(+ x 5)', '-e(+ x 6)'])
check('several -e', result.returncode == 0 and result.stdout == '6\n6\n7\n8\n', result)
result = run(['-e', '(car 1)', '-e', '(display "not reached")'])
check('several -e, an error', result.returncode == 1 and not result.stdout, result)
with tempfile.TemporaryDirectory() as folder:
    for name, text in [('one.scm', '(define x (* 2 y))'), ('-two.scm', '(write (list x (command-line)))'),
                       ('script', f'#!{scheme} --stack=64\n(write (command-line))\n(exit 3)\n'),
                       ('env-script', '#!/usr/bin/env scheme\n(write (command-line))\n')]:
        with open(os.path.join(folder, name), 'w') as file:
            file.write(text)
        os.chmod(file.name, 0o755)
    os.symlink(scheme, os.path.join(folder, 'scheme'))
    path = {'PATH': folder + ':' + os.environ['PATH']}
    result = run(['-e', '(define y 4)', '-l', 'one.scm', '-e', 'x', '--', '-two.scm', '-e'], cwd=folder)
    check('-e, -l and a file', result.returncode == 0 and
          result.stdout == '8\n(8 ("-two.scm" "-e"))', result)
    result = run(['-e', '(define y 4)', '-l', 'one.scm', '-', 'a'], text='(write (list x (command-line)))',
                 cwd=folder)
    check('-e, -l and standard input', result.stdout == '(8 ("-" "a"))', result)
    result = run(['-l', 'one.scm'], text='', cwd=folder)
    check('-l, an error', result.returncode == 1 and
          result.stderr == 'scheme: one.scm:1: unbound variable: y\n', result)
    for name, status in [('script', 3), ('env-script', 0)]:
        script = os.path.join(folder, name)
        result = subprocess.run([script, '--help', '-e', 'a b', '--', '-'], env={**os.environ, **path},
                                capture_output=True, text=True)
        check(name, result.returncode == status and not result.stderr and
              result.stdout == f'("{script}" "--help" "-e" "a b" "--" "-")', result)
result = run(['--stats', '-e', '1'])
check('--stats', result.returncode == 0 and 'cycles' in result.stderr, result)
for name, content in [('GOGC', 'many'), ('GOMEMLIMIT', '12Gx'), ('GAIT_DEBUG', 'nonsense=1')]:
    result = run(['-e', '1'], environment={name: content})
    ok = result.returncode == 2 and name in result.stderr and result.stderr.count('\n') == 1
    check(f'{name}={content}', ok and not result.stdout, result)

# What C code had malloc'ed is freed as it is left without memory: so much each time would be seen.
with open(scheme, 'rb') as file:
    text = file.read()
keeps_freed = b'__asan_init' in text or b'__tsan_init' in text
left = r'''
(define (resident-mib)
  (call-with-input-file "/proc/self/status"
    (lambda (port)
      (let loop ((line (read-line port)))
        (if (and (> (string-length line) 6) (string=? (substring line 0 6) "VmRSS:"))
            (quotient (read (open-input-string (substring line 6 (string-length line)))) 1024)
            (loop (read-line port)))))))
(define (attempt)
  (guard (e (#t (error-object-message e)))
    (call-with-input-file "/dev/zero" (lambda (port) (read-string 6000000 port)))))
(define first (attempt))
(define before (resident-mib))
(do ((i 0 (+ i 1))) ((= i 20)) (attempt))
(write (list first (- (resident-mib) before)))
'''
result = run(['--heap', '16', '-'], text=left)
said = re.fullmatch(r'\("out of memory" (-?\d+)\)', result.stdout)
check('memory that is left', said and (keeps_freed or int(said[1]) < 100), result)

print('errors:', f'{failures} failed' if failures else 'all as they should be')
sys.exit(1 if failures else 0)
