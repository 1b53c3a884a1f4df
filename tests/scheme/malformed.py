# SPDX-License-Identifier: MIT
"""What the interpreter says about text that it can't read: malformed.py SCHEME

Text that is no UTF-8 is an error wherever it comes in; what has no end says where it began.
"""
import os
import pty
import signal
import subprocess
import sys
import tempfile

scheme = os.path.abspath(sys.argv[1])
failures = 0


def check(what, result, status, error, output=None):
    global failures
    if result.returncode != status or result.stderr != error or output not in (None, result.stdout):
        failures += 1
        print(f'FAILED: {str(what)[:300]}: status {result.returncode}, {result.stdout!r}, {result.stderr!r}')


def run(arguments, files=None, status=1, error='', output=None, environment=None, text=None):
    """Run with files (name: bytes) in the folder."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (files or {}).items():
            with open(os.path.join(folder, name), 'wb') as file:
                file.write(content)
        result = subprocess.run([scheme.encode(), *arguments], cwd=folder, timeout=60, capture_output=True,
                                input=text, env={**os.environb, **(environment or {})})
    result.stdout = result.stdout.decode()
    result.stderr = result.stderr.decode()
    check((arguments, files), result, status, f'scheme: {error}\n' if error else '', output)


# ---- What has no end, or no beginning ------------------------------------------------------------

def unclosed(text, error):
    """As a program, from standard input, and by (read), which names no program."""
    run([b'x.scm'], {'x.scm': text.encode()}, error='x.scm:' + error)
    run([], text=text.encode(), error='standard input:' + error)
    line, rest = error.split(': ', 1)
    message, column = rest.rsplit(' in column ', 1)
    run([b'-e', b'(guard (e ((read-error? e) (display (error-object-message e)))) (do () (#f) (read)))'],
        text=text.encode(), status=0, output=f'{message} in line {line}, column {column}')


unclosed('(define x\n', '1: read: no ) closes the ( in column 1')
unclosed('(define (f x)\n  (if x\n      (car x)\n\n(define (g) 1)\n',
         '2: read: the form that begins in line 1 has no end: no ) closes the ( in column 3')
unclosed('5\n  #(1 2\n3', '2: read: no ) closes the #( in column 3')
unclosed('#u8(1 2\n', '1: read: no ) closes the #u8( in column 1')
unclosed('\n(a "λ" "one\ntwo)\n', '2: read: no " closes the string in column 8')
unclosed('(a |b\n)', '1: read: no | closes the symbol in column 4')
unclosed('\n #| a #| b |#\n', '2: read: no |# closes the #| in column 2')
unclosed("\n'", '2: read: nothing follows the quote in column 1')
unclosed(',@ ; nothing', '1: read: nothing follows the quote in column 1')
unclosed('(a #; )', '1: read: nothing to quote, label or skip before the ) in column 7')
unclosed('  #;', '1: read: nothing follows the #; in column 3')
unclosed('#0=\n', '1: read: nothing follows the label in column 1')
unclosed('#\\', '1: read: no character follows the #\\ in column 1')
unclosed('1\n\t)', '2: read: unexpected ) in column 2')
unclosed("'a)", '1: read: unexpected ) in column 3')
unclosed('(a . b c)', '1: read: more than one datum after a dot in column 8')
unclosed('(a . )', '1: read: no datum after a dot before the ) in column 6')
unclosed('(. a)', '1: read: unexpected dot in column 2')
unclosed('#(1 . 2)', '1: read: a dot in the vector in column 1')
unclosed('(1 #u8(1\n256))', '1: read: not only bytes in the bytevector in column 4')
unclosed('"\\xD800;"', '1: read: malformed escape in the string in column 1')
unclosed('"\\x110000;"', '1: read: malformed escape in the string in column 1')
unclosed('"\\x;"', '1: read: malformed escape in the string in column 1')
unclosed('#\\xD800', '1: read: unknown character name in column 1')
unclosed('#\\x-41', '1: read: unknown character name in column 1')
unclosed('#99999999999999999999=a', '1: read: datum label is too large in column 1')
unclosed('#0=#0#', '1: read: a label stands for itself alone in column 1')
unclosed('(1 #0=#1=#0#)', '1: read: a label stands for itself alone in column 4')
deep = '(' * 300000
run([b'-e', b'(guard (e ((read-error? e) (display (error-object-message e)))) (read))'], text=deep.encode(),
    status=0, output='read: the form that begins in line 1 has no end: no ) closes the ( in line 1, '
                     'column 300000')
run([b'x.scm'], {'x.scm': deep.encode()}, error='x.scm:1: read: datum is nested too deeply in column 20001')
run([b'x.scm'], {'x.scm': b'\n(include "y.scm")\n', 'y.scm': b'1\n(a\n'},
    error='y.scm:2: read: no ) closes the ( in column 1')
run([b'-e', b'(load "y.scm")'], {'y.scm': b'1\n(a\n'}, error='y.scm:2: read: no ) closes the ( in column 1')
run([b'-e', b'(list 1\n "a)'], error='-e:2: read: no " closes the string in column 2')

# ---- UTF-8 ---------------------------------------------------------------------------------------

# Overlong forms, surrogates, beyond U+10FFFF, bytes that begin nothing, cut off by a character.
BAD = [b'\xff', b'\x80', b'\xc0\x80', b'\xc1\xbf', b'\xe0\x9f\xbf', b'\xf0\x8f\xbf\xbf', b'\xed\xa0\x80',
       b'\xed\xbf\xbf', b'\xf4\x90\x80\x80', b'\xf5\x80\x80\x80', b'\xc3', b'\xe2\x82', b'\xf0\x9f\x98']
for bad in BAD:
    for rest in [b'', b'")\n']:
        text = 'λ\n(display "é'.encode() + bad + rest
        run([b'x.scm'], {'x.scm': text}, error='x.scm:2: not UTF-8 at byte 15')
        run([], text=b'(define ' + text.replace('λ'.encode(), b'l 1)'),
            error='standard input:2: not UTF-8 at byte 25')
    run([b'-e', b'"a' + bad + b'"'], status=2, error='argument 2: not UTF-8 at byte 2')
    run([b'-e', b'1'], environment={b'SCHEME_PATH': b'/' + bad}, status=2, error='SCHEME_PATH: not UTF-8 at byte 1')
    run([b'-e', b'(get-environment-variable "BAD")'], environment={b'BAD': b'ab' + bad},
        error='-e:1: get-environment-variable: not UTF-8 at byte: 2 "BAD"')
    run([b'-e', b'(begin (get-environment-variables) 1)'], environment={b'BAD': b'ab' + bad},
        error='-e:1: get-environment-variables: not UTF-8 at byte: 2 "BAD"')
    run([b'-e', f'(utf8->string (bytevector 1 2 {" ".join(str(byte) for byte in bad)}) 1)'.encode()],
        error='-e:1: utf8->string: not UTF-8 at byte: 2')
    # What is none is passed over by what reads it, and only by that; it is a read error.
    text = b'(define (try f) (guard (e ((read-error? e) (cons (file-error? e) (error-object-message e)))) (f)))' \
           b'(define p (open-input-file "bad"))' \
           b'(write (try (lambda () (peek-char p))))' \
           b'(write (try (lambda () (read-char p))))' \
           b'(write (let loop ((last #f)) (let ((c (try (lambda () (read-char p)))))' \
           b' (cond ((eof-object? c) last) (else (loop c))))))'
    said = '(#f . "not UTF-8 at byte 0, line 1:")'
    run([b'-e', text], {'bad': bad + b'z'}, status=0, output=said + said + '#\\z')
# Across the ends of buffers
run([b'-e', b'(define p (open-input-file "f")) (write (string-length (read-string 100000 p)))'
            b'(write (string-length (guard (e (#t (error-object-message e))) (read-line p))))'],
    {'f': b'a' + 'λ'.encode() * 99999 + b'\xce'}, status=0, output='10000033')
run([b'-e', b'(guard (e ((read-error? e) (write (error-object-message e)) (write (error-object-irritants e))))'
            b' (call-with-input-file "f" read-line))'],
    {'f': 'λ'.encode() * 50000 + b'\xce'}, status=0, output='"not UTF-8 at byte 100000, line 1:"("f")')
for operation in ['(read-line)', '(read-string 3)', '(read)', '(begin (read-char) (read-char))']:
    run([b'-e', operation.encode()], text=b'a\xff', error='-e:1: not UTF-8 at byte 1, line 1: "standard input"'
        if operation != '(read)' else '', status=0 if operation == '(read)' else 1)
# Bytes are bytes.
run([b'-e', b'(write (call-with-port (open-binary-input-file "f") (lambda (p) (read-bytevector 9 p))))'],
    {'f': b'\xef\xbb\xbf\xff'}, status=0, output='#u8(239 187 191 255)')

every = bytes(range(256)) * 400
result = subprocess.run([scheme, '-e', '(let loop () (let ((b (read-bytevector 1000))) (if (not (eof-object? b)) '
                         '(begin (write-bytevector b) (loop)))))'], input=every, capture_output=True, timeout=60)
if result.returncode or result.stdout != every:
    failures += 1
    print('FAILED: bytes from standard input to standard output')

# A character is there when all of its bytes are; a line of a terminal's output at its end. Whoever
# asks for what is ready after the last one may be sooner than the end: so it waits for that first.
with subprocess.Popen([scheme, '-e', '(read-char)', '-e', '(list (u8-ready?) (char-ready?))', '-e', '(read-char)',
                       '-e', '(eof-object? (peek-char))', '-e', '(char-ready?)'],
                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as child:
    child.stdin.write(b'a\xce')
    first = child.stdout.read(4)  # what it wrote is flushed before it waits
    child.stdin.write(b'\xbb')
    child.stdin.close()
    said = first + child.stdout.read()
    if said != '#\\a\n(#t #f)\n#\\λ\n#t\n#t\n'.encode():
        failures += 1
        print(f'FAILED: a character in two parts: {said}')
child, terminal = pty.fork()
if not child:
    os.execv(scheme, [scheme, '-e', '(begin (write-string "begun\n") (write-string "not yet") '
                      '(let loop () (loop)))'])
said = b''
while not said.endswith(b'\r\n'):
    said += os.read(terminal, 100)
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
if said != b'begun\r\n':
    failures += 1
    print(f'FAILED: a line to a terminal: {said}')

# A byte order mark at the beginning of a file of text is none of its characters.
MARK = b'\xef\xbb\xbf'
run([b'x.scm'], {'x.scm': MARK + b'#!/usr/bin/env scheme\n(write (call-with-input-file "y" read-line))',
                 'y': MARK + b'first' + MARK}, status=0, output='"first\ufeff"')
run([b'-e', b'(write (eof-object? (call-with-input-file "y" read-char)))'], {'y': MARK}, status=0, output='#t')
run([b'-e', b'(call-with-input-file "y" read-char)'], {'y': MARK[:2]}, error='-e:1: not UTF-8 at byte 0, line 1: "y"')

print('malformed text:', f'{failures} failed' if failures else 'all as it should be')
sys.exit(1 if failures else 0)
