# SPDX-License-Identifier: MIT
"""The interpreter's prompt, at a pseudo-terminal: prompt.py SCHEME [OPTION...]"""
import os
import pty
import re
import resource
import select
import signal
import subprocess
import sys
import tempfile
import time

scheme = os.path.abspath(sys.argv[1])
options = sys.argv[2:]
failures = 0
TIMEOUT_S = 60
ADDRESS_BYTES = 160 << 20
CTRL_C, CTRL_D = '\x03', '\x04'
PROMPT = '> '


def failed(what, text):
    global failures
    failures += 1
    print(f'FAILED: {what}: {text!r}')


def unnumbered(text):
    return re.sub(r'standard input:\d+:', 'standard input:N:', text)


class Session:
    """The interpreter, with a terminal of its own."""

    def __init__(self, arguments=(), environment=None, address_bytes=0, folder=None):
        self.seen = ''
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            if folder:
                os.chdir(folder)
            if address_bytes:
                resource.setrlimit(resource.RLIMIT_AS, (address_bytes, address_bytes))
            os.execve(scheme, [scheme, *options, *arguments], {**os.environ, **(environment or {})})

    def read(self):
        """More of what it prints. @return False at the end."""
        if not select.select([self.terminal], [], [], TIMEOUT_S)[0]:
            return False
        try:
            text = os.read(self.terminal, 65536)
        except OSError:
            return False
        self.seen += text.decode().replace('\r\n', '\n')
        return bool(text)

    def until(self, text):
        """What it prints up to some text. None: it does not come."""
        while text not in self.seen:
            if not self.read():
                return None
        before, self.seen = self.seen.split(text, 1)
        return before

    def type(self, text):
        os.write(self.terminal, text.encode())

    def check(self, typed, wanted):
        """Type a line at the prompt; what is printed up to the next one, without the line itself."""
        self.type(typed + '\n')
        said = self.until(PROMPT)
        if said is None or unnumbered(said) != typed + '\n' + wanted:
            failed(typed, said if said is not None else self.seen)

    def interrupt(self, typed, wanted='scheme: standard input:N: interrupted\n', started=None):
        """Type a line that takes long, and Ctrl-C."""
        self.type(typed + '\n')
        if self.until(started or typed) is None:
            failed('begin of ' + typed, self.seen)
        time.sleep(0.2)
        self.type(CTRL_C)
        said = self.until(PROMPT)
        if said is None or not unnumbered(said).endswith('^C' + wanted):
            failed('Ctrl-C in ' + typed, said if said is not None else self.seen)

    def end(self, what, status=0, said=None):
        """It has to end by itself."""
        while self.read():
            pass
        if select.select([self.terminal], [], [], 0)[0]:
            pass
        got = os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1]) if self.ended() else None
        os.close(self.terminal)
        if got != status or (said is not None and self.seen != said):
            failed(what, f'{got}: {self.seen}')

    def ended(self):
        """@return False: it had to be killed."""
        for _ in range(50):
            if os.waitid(os.P_PID, self.child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                return True
            time.sleep(0.1)
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
        return False


def session(*arguments, **settings):
    started = Session(arguments, **settings)
    banner = started.until(PROMPT)
    if banner is None or not re.fullmatch(r'scheme \(Gait\) [\d.]+: .*Ctrl-D.*Ctrl-C.*\n', banner):
        failed('banner', banner or started.seen)
    return started


# ---- What is printed, and what stays

s = session()
s.check('(+ 1 2)', '3\n')
s.check('(define x 5)', '')
s.check('(values x "b")', '5\n"b"\n')
s.check('(if #f #f) (values)', '')
s.type("(list 1\n  'two)\n")
s.until('two)\n')
if s.until(PROMPT) != '(1 two)\n':
    failed('a form of two lines', s.seen)
s.check('(car x)', 'scheme: standard input:N: car: not a pair: 5\n')
s.check("(raise 'thing)", 'scheme: standard input:N: uncaught exception: thing\n')
s.check('(if)', 'scheme: standard input:N: malformed if (if)\n')
s.check('(list #nonsense 1 2) 7', 'scheme: standard input:N: read: unknown # syntax in column 7\n')
s.check('(dynamic-wind (lambda () 0) (lambda () (car x)) (lambda () (display "out ")))',
        'scheme: standard input:N: car: not a pair: 5\nout ')
s.check('(define p (make-parameter 1)) (parameterize ((p 2)) (car x)) (p)',
        'scheme: standard input:N: car: not a pair: 5\n1\n')
s.check('(with-exception-handler (lambda (e) (car e)) (lambda () (raise 1)))',
        'scheme: standard input:N: car: not a pair: 1\n')
s.check('(guard (e (#t (list e))) (raise 1))', '(1)\n')
s.check('(define (deep n) (+ 1 (deep n)))', '')
s.type('(deep 1)\n')
s.until('(deep 1)\n')
said = s.until(PROMPT)
if not said or 'stack overflow' not in said:
    failed('stack overflow', said or s.seen)
s.check('(import (only (scheme base) car)) (cdr (list x 6))', '(6)\n')
s.check('(import (no such))', 'scheme: standard input:N: unknown library, and no no/such.sld in .: (no such)\n')
s.check('(load "/no/such/file")', "scheme: standard input:N: can't open: No such file or directory: "
        '"/no/such/file"\n')
s.type('(dynamic-wind (lambda () 0) (lambda () (exit 3)) (lambda () (display "bye")))\n')
s.until('"bye")))\n')
s.end('(exit 3)', 3, 'bye')

# ---- Ctrl-D

s = session()
s.type(CTRL_D)
s.end('Ctrl-D', 0, '\n')
s = session()
s.check('(car 1)', 'scheme: standard input:N: car: not a pair: 1\n')
s.type(CTRL_D)
s.end('Ctrl-D after an error', 0, '\n')
s = session()
s.type('(+ 1 2)' + CTRL_D)  # hands over what is typed, as at any terminal
if s.until(PROMPT) != '(+ 1 2)3\n':
    failed('Ctrl-D behind a form', s.seen)
s.type(CTRL_D)
s.end('Ctrl-D after that', 0, '\n')
s = session()
s.type('(+ 1\n')
s.until('(+ 1\n')
s.type(CTRL_D)
s.end('Ctrl-D inside of a form', 0)
if not re.fullmatch(r'scheme: standard input:1: read: .*\n\n', s.seen):
    failed('Ctrl-D inside of a form', s.seen)
s = session()
s.type('"abc\n')
s.until('"abc\n')
s.type(CTRL_D)
s.end('Ctrl-D inside of a string', 0)
s = session()
s.type('(begin (display "reading") (read-line) (read-line))\n')
s.until('\nreading')
s.type(CTRL_D)  # is the program's
if s.until(PROMPT) != '#<eof>\n':
    failed('Ctrl-D for the program', s.seen)
s.check('(+ 1 1)', '2\n')
s.type(CTRL_D)
s.end('Ctrl-D after one for the program', 0, '\n')

# ---- Ctrl-C

s = session()
s.check('(define x 5)', '')
s.type('(+ 1 (list\n')
s.until('(list\n')
s.type(CTRL_C)
if s.until(PROMPT) != '^C\n':
    failed('Ctrl-C in a form', s.seen)
s.check('(+ x 1)', '6\n')
s.type('(+ 1 ')
s.until('(+ 1 ')
s.type(CTRL_C)
if s.until(PROMPT) != '^C\n':
    failed('Ctrl-C in a line', s.seen)
s.type(CTRL_C)
if s.until(PROMPT) != '^C\n':
    failed('Ctrl-C at the prompt', s.seen)
s.check('(+ x 2)', '7\n')
s.interrupt('(let loop () (loop))')
s.interrupt('(define (f) (f)) (f)')
s.interrupt('(let loop ((n 0)) (if (< n 0) n (loop (+ n 1))))')
s.interrupt('(let loop () (guard (e (#t 1)) (let inner () (inner))) (loop))')
s.interrupt('(let loop () (guard (e (#t 1)) (raise 1)) (loop))')
s.interrupt('(with-exception-handler (lambda (e) 1) (lambda () (let loop () (raise-continuable 1) (loop))))')
s.interrupt('(let loop ((l (list))) (loop (if (> (length l) 99) (list) (cons (make-vector 99 0) l))))')
s.interrupt('(define n (expt 7 (expt 10 9)))')
s.interrupt('(define m (let loop ((n 3)) (loop (* n n))))')
s.interrupt('(define t (number->string (expt 3 (expt 10 8))))')
s.interrupt('(begin (display "ready") (read-line) (read-line))', started='\nready')
s.interrupt('(begin (display "ready") (read-line) (read-char))', started='\nready')
s.interrupt('(dynamic-wind (lambda () 0) (lambda () (let loop () (loop))) (lambda () (display "out ")))',
            'scheme: standard input:N: interrupted\nout ')
s.check('(list x (expt 3 50) (string->number "123456789012345678901234567890"))',
        '(5 717897987691852588770249 123456789012345678901234567890)\n')
s.type(CTRL_D)
s.end('Ctrl-D after Ctrl-C', 0, '\n')

# ---- Out of memory

with open(scheme, 'rb') as file:
    text = file.read()
sanitized = b'__asan_init' in text or b'__tsan_init' in text  # far more addresses before it begins
grow = "(let loop ((l '())) (loop (cons (make-vector 1000 0) l)))"
for what, arguments, settings in [
        ('ulimit', [], {'address_bytes': ADDRESS_BYTES}), ('--heap', ['--heap', '64'], {}),
        ('ulimit and a soft limit', [], {'address_bytes': ADDRESS_BYTES,
                                         'environment': {'GOGC': 'off', 'GOMEMLIMIT': '40MiB'}})]:
    if sanitized and 'address_bytes' in settings:
        continue
    s = session(*arguments, **settings)
    s.check('(define kept (list 1 2 3))', '')
    for i in range(2):
        s.check(grow, f'scheme: standard input:N: out of memory\n')
        s.check(f"(guard (e ((error-object? e) (list 'caught (error-object-message e)))) {grow})",
                '(caught "out of memory")\n')
        s.check('(list kept (vector-length (make-vector 100000 1)))', '((1 2 3) 100000)\n')
    s.check('(vector-length (make-vector 100000000000 0))', 'scheme: standard input:N: out of memory\n')
    s.check('(begin (make-vector (quotient (expt 10 8) 2) 0) 1)', 'scheme: standard input:N: out of memory\n')
    s.check('(string-length (number->string (expt 7 1000)))', '846\n')
    if 'address_bytes' in settings:  # GMP's memory is not the heap's
        s.check('(let loop ((n 3)) (loop (* n n)))', 'scheme: standard input:N: out of memory\n')
    s.check('(define (deep n) (+ 1 (deep (cons n (make-vector 100 0))))) (deep 1)',
            'scheme: standard input:N: out of memory\n')
    s.check('(expt 3 40)', '12157665459056928801\n')
    s.check("(eval (list 'quote kept))", '(1 2 3)\n')
    s.type(CTRL_D)
    s.end(what, 0, '\n')

# ---- Without a terminal

result = subprocess.run([scheme, *options], input='(+ 1 2)\n(display 3)\n', capture_output=True, text=True, timeout=TIMEOUT_S)
if (result.stdout, result.stderr) != ('3', ''):
    failed('no terminal', result)
with tempfile.NamedTemporaryFile('w', suffix='.scm') as file:
    file.write('(display "started") (flush-output-port) (let loop () (loop))')
    file.flush()
    for arguments in [['-e', '(begin (display "started") (flush-output-port) (let loop () (loop)))'], [file.name]]:
        process = subprocess.Popen([scheme, *options, *arguments], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        process.stdout.read(7)
        process.send_signal(signal.SIGINT)
        if process.wait(TIMEOUT_S) != -signal.SIGINT:
            failed('SIGINT', process.returncode)
        process.stdout.close()

print('prompt:', f'{failures} failed' if failures else 'all as it should be')
sys.exit(1 if failures else 0)
