;;; SPDX-License-Identifier: MIT
;;;
;;; Hash tables: what takes procedures.

;; Tables whose equivalence is a procedure of the program. Such a table keeps a vector: the
;; equivalence, the hash function or #f, the number of keys, and a table from hashes to association
;; lists. The builtins leave these to what follows here.

(define (%make-custom-table same? . options)
  (let ((hash (and (pair? options) (procedure? (car options)) (car options))))
    (if (not (procedure? same?)) (error "make-hash-table: not a procedure:" same?))
    (%wrap-custom-table (vector same? hash 0 (make-hash-table eqv?)))))
(define %hash-bound (expt 2 32)) ; for hash functions that want one
(define (%custom-same table) (vector-ref (%custom-parts table) 0))
(define (%custom-hash table) (vector-ref (%custom-parts table) 1))
(define (%custom-size table) (vector-ref (%custom-parts table) 2))
(define (%custom-inner table) (vector-ref (%custom-parts table) 3))
(define (%custom-change-size! table n)
  (vector-set! (%custom-parts table) 2 (+ (%custom-size table) n)))

(define (%custom-chain table key receive)
  (let ((hash (%custom-hash table)) (inner (%custom-inner table)))
    (let ((code (cond ((not hash) 0)
                      ((%accepts? hash 1) (hash key))
                      (else (hash key %hash-bound)))))
      (receive inner code (hash-table-ref/default inner code '())))))
(define (%custom-find table key chain)
  (assoc key chain (%custom-same table)))

(define (%custom-ref table key default)
  (%custom-chain table key
    (lambda (inner code chain)
      (let ((pair (%custom-find table key chain)))
        (if pair (cdr pair) default)))))
(define (%custom-contains? table key)
  (%custom-chain table key
    (lambda (inner code chain) (pair? (%custom-find table key chain)))))
(define (%custom-set! table key content)
  (%custom-chain table key
    (lambda (inner code chain)
      (let ((pair (%custom-find table key chain)))
        (if pair
            (set-cdr! pair content)
            (begin
              (hash-table-set! inner code (cons (cons key content) chain))
              (%custom-change-size! table 1)))))))
(define (%custom-delete! table key)
  (%custom-chain table key
    (lambda (inner code chain)
      (let ((pair (%custom-find table key chain)))
        (if pair
            (begin
              (hash-table-set! inner code (remove (lambda (other) (eq? other pair)) chain))
              (%custom-change-size! table -1)))))))
(define (%custom-clear! table)
  (hash-table-clear! (%custom-inner table))
  (%custom-change-size! table (- (%custom-size table))))
(define (%custom->alist table)
  (append-map alist-copy (hash-table-values (%custom-inner table))))
(define (%custom-keys table) (map car (%custom->alist table)))
(define (%custom-values table) (map cdr (%custom->alist table)))
(define (%custom-copy table . mutable)
  (let ((copy (%make-custom-table (%custom-same table) (%custom-hash table))))
    (for-each (lambda (pair) (hash-table-set! copy (car pair) (cdr pair))) (%custom->alist table))
    copy))

(define (hash-table-equivalence-function table)
  (if (%custom-table? table) (%custom-same table) (%table-test table)))
(define (hash-table-hash-function table)
  (if (%custom-table? table)
      (or (%custom-hash table) (lambda (key . bound) 0))
      (let ((test (%table-test table)))
        (cond ((eq? test eq?) eq-hash)
              ((eq? test eqv?) eqv-hash)
              ((eq? test string=?) string-hash)
              ((eq? test string-ci=?) string-ci-hash)
              (else hash)))))

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
(define (hash-table-merge! table other)
  (hash-table-walk other (lambda (key content) (hash-table-set! table key content)))
  table)
(define (make-equal-hash-table . size) (make-hash-table equal?))
(define (make-eqv-hashtable . size) (make-hash-table eqv?))
(define (make-eq-hashtable . size) (make-hash-table eq?))
(define (make-string-hash-table . size) (make-hash-table string=?))
(define (make-strong-eqv-hash-table . size) (make-hash-table eqv?))
