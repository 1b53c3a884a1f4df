;;; SPDX-License-Identifier: MIT
;;;
;;; What the collector must keep, and what it must give back: symbols that nobody uses, ports that
;;; nobody closed, structures of all kinds under churn. (memory.scm [size])

(import (scheme base) (scheme write) (scheme file) (scheme read) (scheme process-context) (srfi 69)
        (scheme time) (scheme lazy) (scheme eval) (scheme repl)
        (only (gait) gc gc-statistic symbol-count))
(include "check.scm")

(define size (let ((arguments (cdr (command-line))))
               (if (pair? arguments) (string->number (car arguments)) 20000)))

;;; Symbols are weakly held; those that are held elsewhere keep their identity.

(define kept (map (lambda (i) (string->symbol (string-append "kept-" (number->string i)))) '(1 2 3)))
(do ((i 0 (+ i 1)))
    ((= i size))
  (string->symbol (string-append "dropped-" (number->string i))))
(gc)
(do ((i 0 (+ i 1)))
    ((= i (quotient size 10)))
  (string->symbol (string-append "dropped-" (number->string i))))
(check kept (map (lambda (i) (string->symbol (string-append "kept-" (number->string i)))) '(1 2 3)))
(check #t (eq? (car kept) (read (open-input-string "kept-1"))))
;; Every chain is walked: most of the dropped ones must be gone from the table.
(gc)
(do ((i 0 (+ i 1)))
    ((= i size))
  (string->symbol (string-append "other-" (number->string i))))
(check #t (< (symbol-count) (+ 4000 (* 2 size))))

;;; Files of dropped ports are closed: else this runs out of descriptors, and what was written is
;;; lost.

(define file-name (temporary-name))
(do ((i 0 (+ i 1)))
    ((= i (min size 3000)))
  (write i (open-output-file file-name)))
(gc)
(gc)
(let ((n (call-with-input-file file-name read)))
  (check #t (or (eof-object? n) (exact-integer? n))))
(do ((i 0 (+ i 1)))
    ((= i (min size 3000)))
  (open-input-file file-name))
(delete-file file-name)

;;; Many kinds of objects, reachable from one another, while garbage is made.

(define-record-type item (make-item number payload next) item?
  (number item-number) (payload item-payload set-item-payload!) (next item-next))

(define (payload i)
  (case (modulo i 8)
    ((0) (list i (+ i 1)))
    ((1) (vector i (list i) (inexact i)))
    ((2) (number->string i))
    ((3) (expt (+ i 2) 40))
    ((4) (lambda (x) (+ x i)))
    ((5) (delay (list i i)))
    ((6) (bytevector (modulo i 256) 1 2))
    (else (/ (+ i 1) (+ (* 2 i) 1)))))
(define (payload-ok? i p)
  (case (modulo i 8)
    ((0) (equal? p (list i (+ i 1))))
    ((1) (equal? p (vector i (list i) (inexact i))))
    ((2) (equal? p (number->string i)))
    ((3) (= p (expt (+ i 2) 40)))
    ((4) (= (p 1) (+ i 1)))
    ((5) (equal? (force p) (list i i)))
    ((6) (equal? p (bytevector (modulo i 256) 1 2)))
    (else (= p (/ (+ i 1) (+ (* 2 i) 1))))))
(define chain
  (let loop ((i 0) (chain #f))
    (if (= i size) chain (loop (+ i 1) (make-item i (payload i) chain)))))
(define (chain-ok?)
  (let loop ((item chain) (n 0))
    (if item
        (and (payload-ok? (item-number item) (item-payload item)) (loop (item-next item) (+ n 1)))
        (= n size))))
(check #t (chain-ok?))
(do ((round 0 (+ round 1)))
    ((= round 5))
  (let loop ((item chain))
    (when item
      (when (= round (modulo (item-number item) 5))
        (set-item-payload! item (payload (item-number item))))
      (loop (item-next item))))
  (check #t (chain-ok?)))

;;; Tables that grow and shrink.

(define table (make-hash-table))
(do ((i 0 (+ i 1)))
    ((= i size))
  (hash-table-set! table (list i (number->string i)) (vector i)))
(do ((i 0 (+ i 2)))
    ((>= i size))
  (hash-table-delete! table (list i (number->string i))))
(check (quotient size 2) (hash-table-size table))
(check #t (let loop ((i 0))
            (or (= i size)
                (and (equal? (hash-table-ref/default table (list i (number->string i)) #f)
                             (if (even? i) #f (vector i)))
                     (loop (+ i 1))))))
(check (quotient size 2) (length (hash-table-keys table)))
(hash-table-update! table 'x (lambda (n) (+ n 1)) (lambda () 0))
(hash-table-update!/default table 'x (lambda (n) (+ n 1)) 0)
(check 2 (hash-table-ref table 'x))
(check 'none (hash-table-ref table 'y (lambda () 'none)))
(check-error (hash-table-ref table 'y))
(check 6 (hash-table-fold (alist->hash-table '((a . 1) (b . 2) (c . 3)) eq?) (lambda (k v sum) (+ v sum)) 0))

;;; Macros, eval and strings make garbage of the compiler's.

(check (quotient size 100)
       (let loop ((i 0) (n 0))
         (if (= i (quotient size 100))
             n
             (loop (+ i 1)
                   (+ n (eval `(let* ((x ,i) (y (do ((j 0 (+ j 1))) ((= j 3) j)))) (if (= x ,i) 1 y))
                              (interaction-environment)))))))
(check (* 3 size) (string-length (let loop ((i 0) (out (open-output-string)))
                                   (if (= i size) (get-output-string out)
                                       (begin (write-string "λab" out) (loop (+ i 1) out))))))

(report 'memory)
