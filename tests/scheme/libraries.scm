;;; SPDX-License-Identifier: MIT
;;;
;;; Libraries: what import makes visible, and what it does not.

(define-library (test counter)
  (export make-counter counter-next! (rename counter-value value-of) count-it how-many)
  (import (only (scheme base) define define-record-type define-syntax syntax-rules set! + begin))
  (begin
    (define-record-type counter (%make value) counter? (value counter-value set-value!))
    (define how-many 0)
    (define (make-counter) (set! how-many (+ how-many 1)) (%make 0))
    (define (counter-next! c) (set-value! c (+ (counter-value c) 1)) (counter-value c))
    ;; Uses a name that is not exported, and one that the program has otherwise.
    (define-syntax count-it
      (syntax-rules () ((_ c body) (begin (bump! c) body))))
    (define (bump! c) (counter-next! c))))

(define-library (test user)
  (export twice-counted list)
  (import (except (scheme base) list) (test counter))
  (begin
    (define (list . items) (cons 'mine items))
    (define (twice-counted)
      (let ((c (make-counter)))
        (count-it c #f)
        (count-it c (value-of c))))))

(define-library (test 1 conditional)
  (export which (rename hidden shown))
  (import (scheme base))
  (cond-expand
    ((library (test counter)) (begin (define which 'with-counter)))
    (else (begin (define which 'without))))
  (cond-expand (no-such-feature (begin (define hidden 1))) (else (begin (define hidden 2)))))

(define-library (test state)
  (export get put! fresh)
  (import (scheme base))
  (begin
    (define state '())
    (define (get) state)
    (define (put! x) (set! state (cons x state)))
    (define-syntax fresh (syntax-rules () ((_ x) (let ((state 'local)) (cons x state)))))))

(import (scheme base) (scheme write) (scheme eval) (scheme process-context)
        (test counter)
        (prefix (only (test user) twice-counted list) user:)
        (rename (test 1 conditional) (which which-one))
        (prefix (rename (except (test state) fresh) (put! add!)) state-)
        (only (test state) fresh)
        (rename (only (scheme base) car cdr) (car head) (cdr tail)))
(include "check.scm")

(check '(1 2 2) (let* ((c (make-counter)) (a (counter-next! c)) (b (counter-next! c))) (list a b (value-of c))))
(check 2 (user:twice-counted))
(check '(mine 1 2) (user:list 1 2))
(check '(1 2) (list 1 2))
(check '(with-counter 2) (list which-one shown))
(define bump! 'mine)
(check '(done 1) (let ((c (make-counter))) (list (count-it c 'done) (value-of c))))
(check '(b a) (begin (state-add! 'a) (state-add! 'b) (state-get)))
(check '(x . local) (let ((state 'x)) (fresh state)))
(check '(1 (2)) (list (head '(1 2)) (tail '(1 2))))

;;; Not to be seen

(check-error counter-value)
(check-error (bump-not-here! 1))
(check-error (get))
(check-error which)
(check-error (string-upcase "needs (scheme char)"))
(check-error (call-with-output-string display))
(check-error (sort '(2 1) <))

;;; A name that was imported may be defined anew; the library keeps its own.

(define (counter-next! c) 'replaced)
(check '(replaced 2) (list (counter-next! (make-counter)) (user:twice-counted)))
(define (vector-map . arguments) 'own)
(check 'own (vector-map car #((1))))
(define (uses-later) (later-list 1))
(define (later-list x) (list x x))
(check '(1 1) (uses-later))
(set! string-length (lambda (s) 'assigned))
(check 'assigned (string-length "abc"))
(check '(#\a #\b) (string->list "ab"))

;;; Errors in import sets

(define (importable? set)
  (guard (e (#t #f)) (environment set) #t))
(check '(#t #t #t #t #t)
       (map importable? '((scheme base) (only (scheme base) car) (except (scheme base) car cdr)
                          (prefix (scheme base) b:) (rename (scheme base) (car first)))))
(check '(#f #f #f #f #f #f)
       (map importable? '((no such) (only (scheme base) no-such) (except (scheme base) no-such)
                          (rename (scheme base) (no-such x)) (prefix (scheme base)) 5)))
(check #f (importable? '(only (scheme base) string-upcase)))

;;; Every standard library is complete: each name means something.

(for-each
 (lambda (library) (check (list library #t) (list library (importable? library))))
 '((scheme base) (scheme case-lambda) (scheme char) (scheme complex) (scheme cxr) (scheme eval)
   (scheme file) (scheme inexact) (scheme lazy) (scheme load) (scheme process-context) (scheme read)
   (scheme repl) (scheme time) (scheme write) (scheme r5rs) (scheme box) (srfi 0) (srfi 1) (srfi 2)
   (srfi 6) (srfi 8) (srfi 9) (srfi 11) (srfi 16) (srfi 23) (srfi 26) (srfi 28) (srfi 30) (srfi 31)
   (srfi 39) (srfi 46) (srfi 62) (srfi 69) (srfi 87) (srfi 98) (srfi 111) (gait)))

(check 'ok (eval '(let loop ((i 0)) (cond ((= i 3) 'ok) (else (loop (+ i 1)))))
                 (environment '(scheme r5rs))))
(check 3 (eval '(s:let ((x 1)) (s:cond (#f 0) (s:else (s:+ x 2))))
               (environment '(prefix (scheme base) s:))))
(check '(1 (q:quote x)) (eval '(q:quasiquote (1 (q:quote x)))
                              (environment '(rename (prefix (only (scheme base) quasiquote quote) q:)
                                                    (q:quote q:quote)))))

(report 'libraries)
