;;; SPDX-License-Identifier: MIT
;;;
;;; Ports, reading and writing.

(import (scheme base) (scheme write) (scheme read) (scheme file) (scheme char)
        (scheme process-context) (scheme time))
(include "check.scm")

(define (written object) (let ((p (open-output-string))) (write object p) (get-output-string p)))
(define (displayed object) (let ((p (open-output-string))) (display object p) (get-output-string p)))
(define (shared object) (let ((p (open-output-string))) (write-shared object p) (get-output-string p)))
(define (simple object) (let ((p (open-output-string))) (write-simple object p) (get-output-string p)))
(define (reading text) (read (open-input-string text)))
(define (reading-all text)
  (let ((p (open-input-string text)))
    (let loop ((r '())) (let ((x (read p))) (if (eof-object? x) (reverse r) (loop (cons x r)))))))

;;; What is written reads back

(for-each
 (lambda (object) (check object (reading (written object))))
 (list '() '(1 . 2) '(1 (2 #(3 "x\\\"\n\t\a\x0;" #\a #\space #\x0 #\λ #\delete) . 4)) #u8(0 255)
       'sym '|a b| '|| '|A(B)| '|1| '|+1| '|-| '|.| '|..| '|a.b| '|#foo| '|x\|y| '|\\| '|+i| '|-i|
       '|+inf.0| '|+nan.0abc| '|1+| '... '-> '+ '- 'λ '|;| '|a'b| '|\x7f;| '|-.5| '|+.x|
       "" "λ字" "tab\there" #\( #\) #\; #\" #\newline #\alarm #t #f 1/2 -1.5e-10 +inf.0
       ''a '`(a ,b ,@c) '(quote) '(quote a b) '(quote . a)))
(check '("(quote)" "'a" "`(a ,b ,@c)" "(quote a b)") (map written '((quote) 'a `(a ,b ,@c) (quote a b))))
(check '("|a b|" "|1|" "||" "abc" "|A\\|B|" "#\\a" "#\\space" "\"a\\\"b\\\\\"")
       (map written (list '|a b| '|1| '|| 'abc '|A\|B| #\a #\space "a\"b\\")))
(check '("a b" "a" "a\"b" "(a \"b)" "#(x y)")
       (map displayed (list '|a b| #\a "a\"b" '(#\a "\"b") #("x" |y|))))

;;; Labels

(check "#0=(a b . #0#)" (let ((l (list 'a 'b))) (set-cdr! (cdr l) l) (written l)))
(check "#0=#(1 #0#)" (let ((v (vector 1 2))) (vector-set! v 1 v) (written v)))
(check '("((1) (1))" "(#0=(1) #0#)" "((1) (1))")
       (let* ((x (list 1)) (l (list x x))) (list (written l) (shared l) (simple l))))
(check "(#0=(1 . #0#) #1=(2 . #1#))"
       (let ((a (list 1)) (b (list 2))) (set-cdr! a a) (set-cdr! b b) (written (list a b))))
(check '(a b a b a) (let ((l (reading "#0=(a b . #0#)")))
                      (list (car l) (cadr l) (car (cddr l)) (cadr (cddr l)) (car (cddr (cddr l))))))
(check '(#t #t) (let ((l (reading "(#1=(x) #1# #2=#(y #2#) #1#)")))
                  (list (eq? (car l) (cadr l)) (let ((v (car (cddr l)))) (eq? v (vector-ref v 1))))))
(check #t (let* ((l (list 1 2 3)) (v (vector l l)))
            (set-cdr! (cddr l) v)
            (let ((copy (reading (shared v)))) (equal? (shared copy) (shared v)))))
(check '(1 2 #0=(3 . #0#)) (reading (written '(1 2 #0=(3 . #0#)))))

;;; Syntax of data

(check '(1 2 (3 4) #(5) . (6)) (reading "(1 #;(no #;no) 2 #| not #| this |# |# (3 ; nor this\n4) #(5) 6)"))
(check '((quote a) (quasiquote (b (unquote c) (unquote-splicing d)))) (reading-all "'a `(b ,c ,@d)"))
(check '(#t #t #f #f) (reading-all "#t #true #f #false"))
(check '(abc ABC abc) (reading-all "abc ABC #!fold-case ABC #!no-fold-case"))
(check '(#\x #\( #\space #\A #\λ) (reading-all "#\\x #\\( #\\space #\\x41 #\\x3bb"))
(check '("a\nb" "ab" "é;") (reading-all "\"a\\nb\" \"a\\  \n  b\" \"\\xe9;;\""))
(check '(|foo bar| |a\|b| x) (reading-all "|foo bar| |a\\|b| |x|"))
(check '(#u8(1 2) #() ()) (reading-all "#u8(1 2)#()()"))
(check '(1 -1 1.5 1/2 15 -8 +inf.0 1e10) (reading-all "1 -1 1.5 1/2 #xF #o-10 +inf.0 1e10"))
(check '(a . (b)) (reading "(a . (b))"))
(check #t (eof-object? (reading "  ; nothing\n #| at all |# #;datum ")))
(check '(+ - ... -> a.b .x +a) (reading-all "+ - ... -> a.b .x +a"))

;;; Textual input

(define (with-text text f) (call-with-port (open-input-string text) f))
(check '(#\a #\a #\b #t) (with-text "ab" (lambda (p) (let* ((x (peek-char p)) (y (read-char p)) (z (read-char p)))
                                                       (list x y z (eof-object? (read-char p)))))))
(check '("one" "two" "" "last" #t)
       (with-text "one\ntwo\n\nlast" (lambda (p) (let* ((a (read-line p)) (b (read-line p)) (c (read-line p))
                                                        (d (read-line p)))
                                                   (list a b c d (eof-object? (read-line p)))))))
;; The ends of lines of all systems.
(check '("one" "two" "" "three" "" "four" #t)
       (with-text "one\rtwo\r\n\r\nthree\n\rfour"
                  (lambda (p) (let* ((a (read-line p)) (b (read-line p)) (c (read-line p)) (d (read-line p))
                                     (e (read-line p)) (f (read-line p)))
                                (list a b c d e f (eof-object? (read-line p)))))))
(check '("abc" "de" #t "") (with-text "abcde" (lambda (p) (let* ((a (read-string 3 p)) (b (read-string 9 p)))
                                                            (list a b (eof-object? (read-string 1 p))
                                                                  (read-string 0 p))))))
(check '(#t #t #t #f #t #f) (let* ((p (open-input-string "x")) (ready (char-ready? p)) (open (input-port-open? p)))
                              (close-port p)
                              (list ready open (input-port? p) (output-port? p) (textual-port? p)
                                    (input-port-open? p))))
(check-error (let ((p (open-input-string "x"))) (close-input-port p) (read-char p)))
(check-error (read-char (open-output-string)))
(check-error (read-u8 (open-input-string "x")))
(check-error (write-char #\a (open-input-string "x")))

;; A closed port can be closed again, and does nothing else.
(check 'closed (let ((p (open-input-string "x")) (q (open-output-string)))
                 (close-port p) (close-port p) (close-input-port p)
                 (write 'kept q)
                 (close-port q) (close-output-port q)
                 (string->symbol (if (equal? (get-output-string q) "kept") "closed" "lost"))))
(for-each
 (lambda (use)
   (check-error (let ((p (open-input-string "x"))) (close-port p) (use p)))
   (check-error (use (open-output-string))))
 (list read-char peek-char read-line read char-ready? (lambda (p) (read-string 2 p))))
(for-each
 (lambda (use)
   (check-error (let ((p (open-output-string))) (close-port p) (use p)))
   (check-error (use (open-input-string "x"))))
 (list newline flush-output-port (lambda (p) (write 1 p)) (lambda (p) (display 1 p))
       (lambda (p) (write-char #\a p)) (lambda (p) (write-string "a" p))))
(check-error (close-input-port (open-output-string)))
(check-error (close-output-port (open-input-string "x")))
(check-error (close-port "x"))
(check '(#\a #\a #\b "b" "cd" #t #t)
       (with-text "ab\ncd" (lambda (p) (let* ((a (peek-char p)) (b (read-char p)) (c (peek-char p)) (d (read-line p))
                                              (e (read-line p)) (f (eof-object? (peek-char p))))
                                         (list a b c d e f (eof-object? (read-line p)))))))

;;; Textual output

(check "abc x1 bc\n" (let ((p (open-output-string)))
                       (write-string "abc" p) (write-char #\space p) (display 'x p) (write 1 p)
                       (write-string " abcd" p 0 1) (write-string "abcd" p 1 3) (newline p)
                       (flush-output-port p)
                       (get-output-string p)))
(check '("ab" "abcd") (let ((p (open-output-string)))
                        (write-string "ab" p)
                        (let ((first (get-output-string p))) (write-string "cd" p)
                          (list first (get-output-string p)))))
(check "to the parameter" (let ((p (open-output-string)))
                            (parameterize ((current-output-port p)) (display "to the parameter"))
                            (get-output-string p)))
(check '(1 2) (parameterize ((current-input-port (open-input-string "1 2")))
                (let* ((a (read)) (b (read))) (list a b))))

;;; Binary ports

(check '(1 1 2 #u8(3 4) #u8(5) #t #t)
       (let* ((p (open-input-bytevector #u8(1 2 3 4 5))) (ready (u8-ready? p)) (a (peek-u8 p)) (b (read-u8 p))
              (c (read-u8 p)) (d (read-bytevector 2 p)) (e (read-bytevector 10 p)))
         (list a b c d e (eof-object? (read-u8 p)) ready)))
(check '(3 #u8(0 1 2 3 0) 1 #t)
       (let* ((p (open-input-bytevector #u8(1 2 3 4))) (b (make-bytevector 5 0)) (n (read-bytevector! b p 1 4))
              (copy (bytevector-copy b)) (m (read-bytevector! b p)))
         (list n copy m (eof-object? (read-bytevector! b p)))))
(check #u8(7 1 2 3 2) (let ((p (open-output-bytevector)))
                        (write-u8 7 p) (write-bytevector #u8(1 2 3) p) (write-bytevector #u8(1 2 3) p 1 2)
                        (get-output-bytevector p)))
(check '(#t #f #t) (let ((p (open-input-bytevector #u8()))) (list (binary-port? p) (textual-port? p) (port? p))))

;;; Files

(define name (temporary-name))
(check '(#f #t #f)
       (let ((before (file-exists? name)))
         (call-with-output-file name (lambda (p) (write '(data "λ" #\x) p) (newline p) (display 5 p)))
         (let ((between (file-exists? name)))
           (check '((data "λ" #\x) 5) (call-with-input-file name (lambda (p) (let* ((a (read p)) (b (read p)))
                                                                              (list a b)))))
           (check "(data \"λ\" #\\x)" (with-input-from-file name read-line))
           (with-output-to-file name (lambda () (write-string "second")))
           (check "second" (call-with-input-file name read-line))
           (delete-file name)
           (list before between (file-exists? name)))))
(let ((p (open-binary-output-file name)))
  (write-bytevector (bytevector 0 200 10 13) p)
  (close-output-port p))
(check '(#u8(0 200 10 13) #t) (call-with-port (open-binary-input-file name)
                                (lambda (p) (let ((b (read-bytevector 100 p)))
                                              (list b (eof-object? (read-u8 p)))))))
;; Bytes of any number, in pieces of any size
(define many (let ((b (make-bytevector 100000)))
               (do ((i 0 (+ i 1))) ((= i 100000) b) (bytevector-u8-set! b i (modulo (* i i) 256)))))
(call-with-port (open-binary-output-file name) (lambda (p) (write-bytevector many p) (write-u8 7 p)))
(check #t (call-with-port (open-binary-input-file name)
            (lambda (p)
              (let* ((a (read-bytevector 1 p)) (b (read-bytevector 50000 p)) (c (read-u8 p))
                     (d (make-bytevector 60000 0)) (n (read-bytevector! d p 10)))
                (and (eof-object? (read-u8 p)) (= n 49999) (= 7 (bytevector-u8-ref d 50008))
                     (equal? many (bytevector-append a b (bytevector c) (bytevector-copy d 10 50008))))))))
(check "#<port \"" (let ((p (open-input-file name))) (substring (written p) 0 8)))
(delete-file name)
(check '(#t #f) (list (guard (e ((file-error? e) #t)) (open-input-file name))
                      (guard (e ((read-error? e) #t) (#t #f)) (open-output-file "/no/such/dir/file"))))
(check '(3 4) (call-with-values (lambda () (call-with-port (open-input-string "3 4")
                                             (lambda (p) (let* ((a (read p)) (b (read p))) (values a b)))))
                                list))

;; A large file, line by line and character by character.
(define lines 20000)
(call-with-output-file name
  (lambda (p) (do ((i 0 (+ i 1))) ((= i lines)) (write-string "line λ " p) (write i p) (newline p))))
(check lines (call-with-input-file name
               (lambda (p) (let loop ((n 0)) (if (eof-object? (read-line p)) n (loop (+ n 1)))))))
(check lines (call-with-input-file name
               (lambda (p) (let loop ((n 0)) (let ((c (read-char p)))
                                               (cond ((eof-object? c) n) ((eqv? c #\λ) (loop (+ n 1)))
                                                     (else (loop n))))))))
(delete-file name)

(report 'ports)
