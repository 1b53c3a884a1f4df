# SPDX-License-Identifier: MIT
"""Each procedure that is built in, with wrong arguments: messages.py SCHEME SOURCES...

Every builtin is called with no argument up to six, of kinds that it does not take. What it raises
is an error whose message begins with its name; a wrong count says what is accepted. Procedures of
the prelude say so of a wrong count. Nothing crashes.
"""
import os
import re
import subprocess
import sys
import tempfile

scheme, sources = os.path.abspath(sys.argv[1]), sys.argv[2:]

# They end the program, raise what they are given, or are another one by now.
LEFT_OUT = {'emergency-exit', 'exit', 'error', 'raise', 'raise-continuable', 'list-head'}

aliases, prelude = {}, set()  # aliases: C function -> its names
for source in sources:
    with open(source, encoding='utf-8') as file:
        text = file.read()
    if source.endswith('.scm'):
        prelude |= set(re.findall(r'^\(define \(([^\s()%][^\s()]*)', text, re.MULTILINE))
    else:
        for name, function in re.findall(r'\{"([^"%][^"]*)", (\w+), -?\d+, -?\d+\}', text):
            aliases.setdefault((source, function), set()).add(name)
builtins = {name: same for same in aliases.values() for name in same}
prelude -= set(builtins)

PROGRAM = r'''
(define (begins? text start)
  (and (<= (string-length start) (string-length text))
       (string=? start (substring text 0 (string-length start)))))
(define (count? message)
  (let ((at (string-search message ": takes "))) (and at (string-search message ", got " at))))
(define calls 0)
(define errors 0)
(define (note . items) (write items (current-error-port)) (newline (current-error-port)))
(define (try names f arguments always?)
  (set! calls (+ calls 1))
  (call/cc
   (lambda (leave)
     (with-exception-handler
      (lambda (e)
        (set! errors (+ errors 1))
        (if (not (error-object? e))
            (if (not (eq? e 'called)) (note names arguments e))
            (let ((message (error-object-message e)))
              (if (and (or always? (count? message))
                       (not (file-error? e))
                       (not (any (lambda (name)
                                   (begins? message (string-append (symbol->string name) ": ")))
                                 names)))
                  (note names arguments message))))
        (leave #f))
      (lambda () (apply f arguments))))))
(define kinds 11)
(define (wrong i) ; made anew: some change what they get
  (list-ref (list 'x "text" 1.5 -1 #\a #t (vector 1 2) (list 1 2) (bytevector 1 2) (if #f #f)
                  (lambda arguments (raise 'called)))
            i))
(define (try-all names f always?)
  (try names f '() always?)
  (do ((i 0 (+ i 1))) ((= i kinds))
    (try names f (list (wrong i)) always?)
    (do ((j 0 (+ j 1))) ((= j kinds))
      (try names f (map wrong (list i j)) always?)
      (try names f (map wrong (list i j j)) always?)
      (try names f (map wrong (list i j i j)) always?)
      (try names f (map wrong (list i i j i j)) always?)
      (try names f (map wrong (list i j i j i j)) always?))))
'''

program = PROGRAM
for name in sorted(set(builtins) - LEFT_OUT):
    program += f"(try-all '({' '.join(sorted(builtins[name]))}) {name} #t)\n"
for name in sorted(prelude - LEFT_OUT):
    program += f"(try-all '({name}) {name} #f)\n"
program += "(display (list 'end calls errors)) (newline)\n"

with tempfile.TemporaryDirectory() as folder:
    with open(folder + '/program.scm', 'w', encoding='utf-8') as file:
        file.write(program)
    result = subprocess.run([scheme, '--stack', '8', 'program.scm'], stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, timeout=60, cwd=folder)
ended = re.search(r'\(end (\d+) (\d+)\)\n$', result.stdout)
print(f'messages: {len(builtins)} builtins, {len(prelude)} procedures of the prelude, '
      f'{ended and ended[1]} calls, {ended and ended[2]} errors')
print(result.stderr)
ok = result.returncode == 0 and ended and not result.stderr and int(ended[2]) > 10000
sys.exit(0 if ok and len(builtins) > 250 and len(prelude) > 100 else 1)
