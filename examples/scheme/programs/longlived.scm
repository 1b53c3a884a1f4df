;;; SPDX-License-Identifier: MIT
;;;
;;; A long-lived tree with short-lived work: a balanced tree of accounts that is never changed in
;;; place (each update makes a new path), and per step a batch of short lists that is thrown away.
;;; (longlived.scm [accounts])

(import (scheme base) (scheme write) (scheme process-context))

;;; AA trees: persistent, balanced by skew and split.

(define-record-type tree
  (make-tree level key content left right)
  tree?
  (level tree-level)
  (key tree-key)
  (content tree-content)
  (left tree-left)
  (right tree-right))

(define (level t) (if t (tree-level t) 0))

(define (skew t)
  (let ((l (tree-left t)))
    (if (and l (= (level l) (level t)))
        (make-tree (level l) (tree-key l) (tree-content l) (tree-left l)
                   (make-tree (level t) (tree-key t) (tree-content t)
                              (tree-right l) (tree-right t)))
        t)))

(define (split t)
  (let ((r (tree-right t)))
    (if (and r (tree-right r) (= (level (tree-right r)) (level t)))
        (make-tree (+ (level r) 1) (tree-key r) (tree-content r)
                   (make-tree (level t) (tree-key t) (tree-content t)
                              (tree-left t) (tree-left r))
                   (tree-right r))
        t)))

(define (insert t key content)
  (if (not t)
      (make-tree 1 key content #f #f)
      (let ((k (tree-key t)))
        (cond ((< key k)
               (split (skew (make-tree (level t) k (tree-content t)
                                       (insert (tree-left t) key content) (tree-right t)))))
              ((> key k)
               (split (skew (make-tree (level t) k (tree-content t)
                                       (tree-left t) (insert (tree-right t) key content)))))
              (else (make-tree (level t) k content (tree-left t) (tree-right t)))))))

(define (lookup t key)
  (let loop ((t t))
    (and t
         (let ((k (tree-key t)))
           (cond ((< key k) (loop (tree-left t)))
                 ((> key k) (loop (tree-right t)))
                 (else (tree-content t)))))))

(define (tree-fold f init t)
  (if t
      (tree-fold f (f (tree-content t) (tree-fold f init (tree-left t))) (tree-right t))
      init))

;; Depth of a tree; stops where it is out of balance.
(define (check-balance t)
  (if (not t)
      0
      (begin
        (check-balance (tree-left t))
        (check-balance (tree-right t))
        (unless (and (= (level (tree-left t)) (- (level t) 1))
                     (<= (level (tree-right t)) (level t)))
          (error "longlived: the tree is out of balance at" (tree-key t)))
        (level t))))

(define seed 7)
(define (random n)
  (set! seed (modulo (+ (* seed 1103515245) 12345) 2147483648))
  (modulo (quotient seed 256) n))

;; An account: an amount, and the last transfers that it took part in.
(define (make-account id) (list 1000 id))
(define (amount account) (car account))
(define (book account change other)
  (cons (+ (amount account) change)
        (let ((history (cons other (cdr account))))
          (if (> (length history) 6) (list-head history 6) history))))

(define (list-head list n)
  (if (= n 0) '() (cons (car list) (list-head (cdr list) (- n 1)))))

;; A batch of transfers is planned, sorted and summed before it is booked: garbage soon after.
(define (plan n accounts)
  (let loop ((i 0) (batch '()))
    (if (= i n)
        batch
        (loop (+ i 1)
              (cons (list (random accounts) (random accounts) (+ 1 (random 9))) batch)))))

(define (transfer t step)
  (let* ((from (car step)) (to (cadr step)) (sum (caddr step))
         (t (insert t from (book (lookup t from) (- sum) to))))
    (insert t to (book (lookup t to) sum from))))

(define (run t rounds accounts)
  (let loop ((i 0) (t t))
    (if (= i rounds)
        t
        (let* ((batch (plan 100 accounts))
               (small (let keep ((rest batch))
                        (cond ((null? rest) '())
                              ((< (caddr (car rest)) 5) (cons (car rest) (keep (cdr rest))))
                              (else (keep (cdr rest))))))
               (total (apply + (map caddr small))))
          (unless (<= (length small) total (* 4 (length small)))
            (error "longlived: a batch is wrong:" total))
          (let book-all ((rest small) (t t))
            (if (null? rest)
                (loop (+ i 1) t)
                (book-all (cdr rest) (transfer t (car rest)))))))))

(define (main accounts rounds)
  (let* ((t (let loop ((i 0) (t #f))
              (if (= i accounts) t (loop (+ i 1) (insert t (modulo (* i 7919) accounts) (make-account i))))))
         (after (run t rounds accounts)))
    (for-each
     (lambda (t)
       (check-balance t)
       (let ((sum (tree-fold (lambda (account sum) (+ sum (amount account))) 0 t)))
         (unless (= sum (* 1000 accounts))
           (error "longlived: money came or went:" sum))))
     (list t after)) ; the old tree is as it was
    (display (list 'longlived 'accounts accounts 'rounds rounds 'ok))
    (newline)))

(let* ((arguments (cdr (command-line)))
       (accounts (if (pair? arguments) (string->number (car arguments)) 100000)))
  (main accounts (quotient accounts 100)))
