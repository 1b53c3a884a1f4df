# SPDX-License-Identifier: MIT
"""What the interpreter does when the system refuses to read, write or close: io_errors.py SCHEME

Each failure is told once: raised as a file error, which guard takes, or said with file and line and
status 1; what is found only at exit is said there.
"""
import os
import pty
import resource
import subprocess
import sys
import tempfile

scheme = os.path.abspath(sys.argv[1])
failures = 0
FULL = "can't write: No space left on device: "
OUT = FULL + '"standard output"\n'


def check(what, result, status, error, output=None):
    global failures
    ok = result.returncode == status and result.stderr == error
    if not ok or (output is not None and result.stdout != output):
        failures += 1
        print(f'FAILED: {what}: status {result.returncode}, {result.stdout!r}, {result.stderr!r}')


def run(text, redirection='', status=1, error='', output=None, before=None, program=False):
    """Run a text by -e, or as the program prog.scm, with the shell's redirections."""
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, 'prog.scm'), 'w') as file:
            file.write(text)
        arguments = ['prog.scm'] if program else ['-e', text]
        result = subprocess.run(['sh', '-c', f'exec "$@" {redirection}', 'sh', scheme, *arguments],
                                stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                                cwd=folder, preexec_fn=before)
    check(f'{text} {redirection}', result, status, f'scheme: {error}' if error else '', output)


MANY = '(define (many port)\n  (do ((i 0 (+ i 1))) ((= i 40000))\n    (write i port)))\n'

# Standard output
run('(display "hello")', '>/dev/full', error=OUT)
run('(display "hello")\n(flush-output-port)', '>/dev/full', error='-e:2: ' + OUT)
run(MANY + '(many (current-output-port))', '>/dev/full', error='prog.scm:3: ' + OUT, program=True)
run('(display "hello")\n(exit 7)', '>/dev/full', status=7, error=OUT)
run('(display "hello")\n(emergency-exit)', '>/dev/full', error=OUT)
run('(display "hello")\n(emergency-exit 3)', status=3, output='hello')
run('(display 1) (guard (e ((file-error? e) (exit 4))) (flush-output-port))', '>/dev/full', status=4)
run('(display 1) (guard (e ((file-error? e) #f)) (flush-output-port)) (display 2)', '>/dev/full', error=OUT)
run('(display 1)', '>&-', error="can't write: Bad file descriptor: \"standard output\"\n")
run('(define x 1)', '>&-', status=0)
run('(display 1)\n(car 1)', '>/dev/full', error='-e:2: car: not a pair: 1\nscheme: ' + OUT)

# A file that is opened has never the number of a closed standard stream.
with tempfile.TemporaryDirectory() as folder:
    text = ('(define p (open-output-file "x")) (write 1 p) '
            '(guard (e (#t (close-port p) (exit 0))) (display "no" (current-error-port)))')
    subprocess.run(['sh', '-c', 'exec "$@" 2>&-', 'sh', scheme, '-e', text], cwd=folder, timeout=60)
    with open(os.path.join(folder, 'x')) as file:
        if file.read() != '1':
            failures += 1
            print('FAILED: a file got the number of closed standard error')

# A pipe that nobody reads
run(MANY + '(many (current-output-port))', '| true; exit $?', status=0,
    error='prog.scm:3: can\'t write: Broken pipe: "standard output"\n', program=True)

# Standard error: nothing is said where nothing can be, and the status tells.
run('(car 1)', '2>/dev/full')
run('(car 1)', '2>&-')
run('(display "note" (current-error-port))', '2>/dev/full')
result = subprocess.run(['sh', '-c', 'exec "$@" 2>/dev/full', 'sh', scheme, '--stats', '-e', '(display 1)'],
                        capture_output=True, text=True, timeout=60)
check('--stats to a full disk', result, 1, '', '1')
run('(parameterize ((current-error-port (open-output-string))) (car 1))',
    error='-e:1: car: not a pair: 1\n')
run('(parameterize ((current-error-port (open-output-file "/dev/full"))) (car 1))',
    error='-e:1: car: not a pair: 1\n')
run('(close-port (current-error-port)) (car 1)', error='-e:1: car: not a pair: 1\n')

# At a prompt that can't be written there is no coming back to it.
master, terminal = pty.openpty()
os.write(master, b'(+ 1 2)\n(+ 3 4)\n')
with open('/dev/full', 'w') as out:
    result = subprocess.run([scheme], stdin=terminal, stdout=out, stderr=subprocess.PIPE, text=True, timeout=60)
check('a prompt on a full disk', result, 1, 'scheme: ' + OUT)

# Files: each operation, text and binary
full = '(define p (open-output-file "/dev/full"))\n'
binary = '(define p (open-binary-output-file "/dev/full"))\n'
there = 'prog.scm:2: ' + FULL + '"/dev/full"\n'
for operation in ['(begin (display 1 p) (close-port p))', '(begin (newline p) (flush-output-port p))',
                  '(write-string (make-string 40000 #\\a) p)', '(write (make-vector 40000 1) p)',
                  '(do () (#f) (write-char #\\x p))', '(do () (#f) (newline p))']:
    run(full + operation, error=there, program=True)
for operation in ['(begin (write-u8 1 p) (close-output-port p))', '(do () (#f) (write-u8 1 p))',
                  '(write-bytevector (make-bytevector 40000 1) p)']:
    run(binary + operation, error=there, program=True)
for form in ['(call-with-output-file "/dev/full" (lambda (p) (write 1 p)))',
             '(with-output-to-file "/dev/full" (lambda () (write 1)))',
             '(call-with-port (open-append-output-file "/dev/full") (lambda (p) (write 1 p)))']:
    run('\n' + form, error=there, program=True)
    run(f'(display (guard (e ((file-error? e) (list (read-error? e) (error-object? e) '
        f'(error-object-irritants e)))) {form}))', status=0, output='(#f #t (/dev/full))')
run(full + '(display 1 p)\n(display (guard (e ((file-error? e) "once")) (close-port p)))\n(close-port p)',
    status=0, output='once')
run(full + '(display 1 p)', error=FULL + '"/dev/full"\n')

# A port that was dropped: what its end could not write is raised by (gc), by the next port, or said.
dropped = '(define (drop) (display 1 (open-output-file "/dev/full")) 0)\n(drop)\n(+ (drop) 1)\n'
for form in ['(begin (gc) (gc) 0)', '(begin (do ((i 0 (+ i 1))) ((= i 300)) (drop)) (gc) 0)']:
    run(dropped + f'(display (guard (e ((file-error? e) "lost")) {form}))\n(emergency-exit)',
        '2>/dev/null', output='lost', program=True)
run('(let loop ((i 0)) (if (< i 5000) (begin (display 1 (open-output-file "/dev/full")) (loop (+ i 1)))))',
    '2>/dev/null', before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))

# A limit of the size of files
run(MANY + '(call-with-output-file "big" many)',
    error='prog.scm:3: can\'t write: File too large: "big"\n', program=True,
    before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000)))

# Directories, closed standard input, files that are not there
DIRECTORY = "can't open: Is a directory: "
for form in ['(open-input-file "/tmp")', '(open-binary-input-file "/tmp")', '(load "/tmp")',
             '(open-output-file "/tmp")', '(with-input-from-file "/tmp" read)', '(include "/tmp")']:
    run('\n' + form, error=f'prog.scm:2: {DIRECTORY}"/tmp"\n', program=True)
result = subprocess.run([scheme, '/tmp'], capture_output=True, text=True, timeout=60)
check('a directory as program', result, 1, f'scheme: {DIRECTORY}"/tmp"\n')
run('(read-line)', '</tmp', error='-e:1: can\'t read: Is a directory: "standard input"\n')
for form in ['(read-char)', '(peek-char)', '(read-line)', '(read-string 3)', '(read)']:
    run(form, '<&-', error='-e:1: can\'t read: Bad file descriptor: "standard input"\n')
result = subprocess.run(['sh', '-c', 'exec "$1" <&-', 'sh', scheme], capture_output=True, text=True, timeout=60)
check('a program from closed standard input', result, 1,
      'scheme: standard input:1: can\'t read: Bad file descriptor: "standard input"\n')
run('(delete-file "none")', error='-e:1: can\'t delete: No such file or directory: "none"\n')
run('(open-input-file "a\\x0;b")', error='-e:1: a file\'s name has no null character: "a\\x0;b"\n')
run('(file-exists? "a\\x0;b")', error='-e:1: a file\'s name has no null character: "a\\x0;b"\n')

print('io errors:', f'{failures} failed' if failures else 'all as they should be')
sys.exit(1 if failures else 0)
