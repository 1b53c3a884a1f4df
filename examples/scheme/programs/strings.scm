;;; SPDX-License-Identifier: MIT
;;;
;;; A hash table of strings under churn: a window of entries slides over an endless row of keys;
;;; each step adds one, drops the oldest, looks some up, and writes another's text anew, as long as
;;; it was. (strings.scm [entries [steps]])

(import (scheme base) (scheme write) (scheme process-context) (scheme char) (srfi 69))

(define (key i) (string-append "key/" (number->string (* i 7919) 36) "/" (number->string i)))

(define (text i)
  (let ((out (open-output-string)))
    (write i out)
    (write-string ": the quick brown fox jumps over the lazy dog " out)
    (write (* i i) out)
    (write-string " times." out)
    (get-output-string out)))

;; The number that a text starts with.
(define (text-number s)
  (let loop ((i 0))
    (if (char=? (string-ref s i) #\:)
        (string->number (substring s 0 i))
        (loop (+ i 1)))))

(define seed 42)
(define (random n)
  (set! seed (modulo (+ (* seed 1103515245) 12345) 2147483648))
  (modulo (quotient seed 65536) n))

(define (check what ok?)
  (unless ok? (error "strings: wrong result:" what)))

(define (main entries steps)
  (let ((table (make-hash-table string=?)) (found 0) (changed 0))
    (do ((i 0 (+ i 1)))
        ((= i entries))
      (hash-table-set! table (key i) (text i)))
    (do ((i 0 (+ i 1)))
        ((= i steps))
      (hash-table-delete! table (key i))
      (hash-table-set! table (key (+ entries i)) (text (+ entries i)))
      ;; One that is there, one that is gone.
      (let* ((there (+ i 1 (random entries)))
             (content (hash-table-ref/default table (key there) #f)))
        (check 'there (and content (= (text-number content) there)))
        (set! found (+ found 1))
        (check 'gone (not (hash-table-ref/default table (key (random (+ i 1))) #f))))
      ;; One whose text changes, but not the number in front.
      (let ((k (key (+ i 1 (random entries)))))
        (hash-table-update! table k
                            (lambda (old)
                              (let ((words (substring old 0 (- (string-length old) 1))))
                                (string-append (string-upcase words) "!"))))
        (set! changed (+ changed 1))))
    (check 'size (= (hash-table-size table) entries))
    (let ((sum (hash-table-fold table (lambda (k v sum) (+ sum (text-number v))) 0)))
      (check 'sum (= sum (+ (* entries steps) (quotient (* entries (- entries 1)) 2)))))
    (display (list 'strings 'entries entries 'found found 'changed changed 'ok))
    (newline)))

(let* ((sizes (map string->number (cdr (command-line))))
       (entries (if (pair? sizes) (car sizes) 27000)))
  (main entries (if (and (pair? sizes) (pair? (cdr sizes))) (cadr sizes) (* 11 entries))))
