;;; SPDX-License-Identifier: MIT
;;;
;;; A long-lived tree with short-lived work: a wide tree of accounts that is never changed in place
;;; (each booking makes a new path), and per day a batch of transfers that is planned, filed by
;;; account, booked and thrown away. The trees of the last days stay, to look back.
;;; (longlived.scm [accounts [days]])

(import (scheme base) (scheme write) (scheme process-context) (scheme cxr))

;;; Trees: a leaf is any value, a node a vector of as many trees as the width, all leaves equally
;;; deep. The digits of a number, to the base of the width, lead to its leaf. A tree's unit is the
;;; number of leaves below each branch of its root.

(define width 16)

(define (unit-for leaves)
  (let loop ((unit 1))
    (if (< (* unit width) leaves)
        (loop (* unit width))
        unit)))

(define (make-tree unit first make-leaf)
  (let ((node (make-vector width #f)))
    (do ((i 0 (+ i 1)))
        ((= i width) node)
      (let ((number (+ first (* i unit))))
        (vector-set! node i
                     (if (= unit 1)
                         (make-leaf number)
                         (make-tree (quotient unit width) number make-leaf)))))))

(define (update tree unit number change)
  (let* ((node (vector-copy tree)) (i (quotient number unit)) (branch (vector-ref node i)))
    (vector-set! node i
                 (if (= unit 1)
                     (change branch)
                     (update branch (quotient unit width) (remainder number unit) change)))
    node))

(define (tree-fold f init tree unit)
  (let loop ((i 0) (result init))
    (cond ((= i width) result)
          ((= unit 1) (loop (+ i 1) (f (vector-ref tree i) result)))
          (else
           (loop (+ i 1) (tree-fold f result (vector-ref tree i) (quotient unit width)))))))

(define seed 7)
(define (random n)
  (set! seed (modulo (+ (* seed 1103515245) 12345) 2147483648))
  (modulo (quotient seed 256) n))

;;; An account: an amount, and with whom its last transfers were (with itself, at first).

(define history-length 6)
(define (make-account number) (cons 1000 (make-list history-length number)))
(define amount car)
(define history cdr)

(define (but-last list)
  (if (null? (cdr list)) '() (cons (car list) (but-last (cdr list)))))

(define (book account change other)
  (cons (+ (amount account) change) (cons other (but-last (history account)))))

;;; A batch: transfers (from to sum), filed in drawers by the account that pays.

(define drawers 64)

(define (plan transfers accounts)
  (let ((batch (make-vector drawers '())))
    (do ((i 0 (+ i 1)))
        ((= i transfers) batch)
      (let* ((from (random accounts)) (drawer (modulo from drawers)))
        (vector-set! batch drawer
                     (cons (list from (random accounts) (+ 1 (random 9)))
                           (vector-ref batch drawer)))))))

(define (transfer tree unit step)
  (let ((from (car step)) (to (cadr step)) (sum (caddr step)))
    (update (update tree unit from (lambda (account) (book account (- sum) to)))
            unit to (lambda (account) (book account sum from)))))

(define (book-all tree unit batch)
  (let next-drawer ((drawer 0) (tree tree))
    (if (= drawer drawers)
        tree
        (let next ((steps (vector-ref batch drawer)) (tree tree))
          (if (null? steps)
              (next-drawer (+ drawer 1) tree)
              (next (cdr steps) (transfer tree unit (car steps))))))))

;;; No money comes or goes, on none of the days that are looked at.

(define (check-books tree unit accounts)
  (let ((sum (tree-fold
              (lambda (account sum)
                (unless (= (length (history account)) history-length)
                  (error "longlived: an account has lost its history:" account))
                (+ sum (amount account)))
              0 tree unit)))
    (unless (= sum (* 1000 accounts))
      (error "longlived: money came or went:" sum))))

(define days-kept 32)
(define check-every 1000)

(define (main wanted days) ; the tree is full: there may be more accounts than wanted
  (let* ((unit (unit-for wanted)) (accounts (* unit width)) (past (make-vector days-kept #f)))
    (let next-day ((day 0) (tree (make-tree unit 0 make-account)))
      (if (< day days)
          (let* ((after (book-all tree unit (plan 100 accounts)))
                 (slot (modulo day days-kept))
                 (oldest (vector-ref past slot)))
            (when (and oldest (= 0 (modulo day check-every)))
              (check-books oldest unit accounts)) ; it is as it was
            (vector-set! past slot tree)
            (next-day (+ day 1) after))
          (begin
            (check-books tree unit accounts)
            (display (list 'longlived 'accounts accounts 'days days 'ok))
            (newline))))))

(let* ((sizes (map string->number (cdr (command-line))))
       (accounts (if (pair? sizes) (car sizes) 65536)))
  (main accounts (if (and (pair? sizes) (pair? (cdr sizes))) (cadr sizes) (quotient accounts 6))))
