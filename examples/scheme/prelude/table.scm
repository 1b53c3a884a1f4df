;;; SPDX-License-Identifier: MIT
;;;
;;; Hash tables: what takes procedures.

(define hash-table-ref
  (case-lambda
    ((table key)
     (hash-table-ref table key (lambda () (error "hash-table-ref: no such key:" key))))
    ((table key fail)
     (let ((content (hash-table-ref/default table key %nothing)))
       (if (eq? content %nothing) (fail) content)))
    ((table key fail succeed)
     (let ((content (hash-table-ref/default table key %nothing)))
       (if (eq? content %nothing) (fail) (succeed content))))))
(define %nothing (list 'nothing))
(define hash-table-get hash-table-ref/default)
(define hash-table-put! hash-table-set!)
(define hash-table-remove! hash-table-delete!)
(define hash-table-update!
  (case-lambda
    ((table key f) (hash-table-set! table key (f (hash-table-ref table key))))
    ((table key f fail) (hash-table-set! table key (f (hash-table-ref table key fail))))))
(define (hash-table-update!/default table key f default)
  (hash-table-set! table key (f (hash-table-ref/default table key default))))
(define (hash-table-walk table f)
  (for-each (lambda (pair) (f (car pair) (cdr pair))) (hash-table->alist table)))
(define hash-table-for-each
  (lambda (a b) (if (hash-table? a) (hash-table-walk a b) (hash-table-walk b a))))
(define (hash-table-fold table f init)
  (fold (lambda (pair result) (f (car pair) (cdr pair) result)) init (hash-table->alist table)))
(define (alist->hash-table alist . options)
  (let ((table (apply make-hash-table options)))
    (for-each (lambda (pair)
                (if (not (hash-table-contains? table (car pair)))
                    (hash-table-set! table (car pair) (cdr pair))))
              alist)
    table))
(define (make-equal-hash-table . size) (make-hash-table equal?))
(define (make-eqv-hashtable . size) (make-hash-table eqv?))
(define (make-eq-hashtable . size) (make-hash-table eq?))
(define (make-string-hash-table . size) (make-hash-table string=?))
(define (make-strong-eqv-hash-table . size) (make-hash-table eqv?))
