;;; SPDX-License-Identifier: MIT
;;;
;;; Bytevectors, short and long: the long ones live off-heap (--offheap). What they hold, that they
;;; are freed, and that they stay while something refers to them. With the argument none all of them
;;; are expected on the heap.

(import (scheme base) (scheme write) (scheme process-context) (only (gait) gc gc-statistic))
(include "check.scm")

(define (fill! bytes seed)
  (do ((i 0 (+ i 1)))
      ((= i (bytevector-length bytes)) bytes)
    (bytevector-u8-set! bytes i (modulo (+ seed (* i 7)) 256))))

(define (holds? bytes seed)
  (let loop ((i 0))
    (or (= i (bytevector-length bytes))
        (and (= (bytevector-u8-ref bytes i) (modulo (+ seed (* i 7)) 256))
             (loop (+ i 1))))))

;;; On both sides of the size at which they go off-heap.

(for-each
  (lambda (length)
    (let ((bytes (make-bytevector length)))
      (check length (bytevector-length bytes))
      (check #t (equal? bytes (make-bytevector length 0)))
      (if (> length 0)
          (begin
            (check 0 (bytevector-u8-ref bytes (- length 1)))
            (bytevector-u8-set! bytes (- length 1) 255)
            (check 255 (bytevector-u8-ref bytes (- length 1)))
            (check #f (equal? bytes (make-bytevector length 0)))))))
  '(0 1 7 8 65535 65536 65537 300000))

(define long (fill! (make-bytevector 70000) 3))
(check (not (member "none" (command-line))) (>= (gc-statistic "foreign_bytes") 70000))
(check #t (holds? long 3))
(check #t (holds? (bytevector-copy long) 3))
(check #t (equal? long (bytevector-copy long)))
(check 69990 (bytevector-length (bytevector-copy long 10)))
(check (bytevector-u8-ref long 10) (bytevector-u8-ref (bytevector-copy long 10) 0))
(check 140000 (bytevector-length (bytevector-append long long)))
(check (bytevector-u8-ref long 5) (bytevector-u8-ref (bytevector-append long long) 70005))

(let ((to (make-bytevector 70000 9)))
  (bytevector-copy! to 100 long 0 69900)
  (check 9 (bytevector-u8-ref to 99))
  (check (bytevector-u8-ref long 0) (bytevector-u8-ref to 100))
  (bytevector-copy! to 0 to 100 70000)
  (check (bytevector-u8-ref long 0) (bytevector-u8-ref to 0)))

(check 70000 (string-length (utf8->string (make-bytevector 70000 97))))
(check 70000 (bytevector-length (string->utf8 (make-string 70000 #\a))))
(check #t (equal? (utf8->string (string->utf8 (make-string 70000 #\x3bb)))
                  (make-string 70000 #\x3bb)))

;;; Ports, whose buffers grow from short to long.

(let ((port (open-output-bytevector)))
  (do ((i 0 (+ i 1)))
      ((= i 70000))
    (write-u8 (modulo (+ 3 (* i 7)) 256) port))
  (check #t (equal? (get-output-bytevector port) long))
  (write-bytevector long port 0 10)
  (check 70010 (bytevector-length (get-output-bytevector port))))

(let ((port (open-input-bytevector long)))
  (check #t (equal? (read-bytevector 70000 port) long))
  (check #t (eof-object? (read-u8 port))))

;;; What is referred to stays; what is not goes, in many more bytes than a limit would allow.

(define kept
  (let loop ((i 0) (kept '()))
    (if (= i 400)
        kept
        (let ((bytes (make-bytevector 100000 (modulo i 256))))
          (if (= (modulo i 40) 0)
              (loop (+ i 1) (cons (cons i bytes) kept))
              (loop (+ i 1) kept))))))
(gc)
(for-each
  (lambda (entry)
    (check (modulo (car entry) 256) (bytevector-u8-ref (cdr entry) 0))
    (check (modulo (car entry) 256) (bytevector-u8-ref (cdr entry) 99999)))
  kept)
(check #t (holds? long 3))
(check #t (< (gc-statistic "total_bytes") 40000000))
(set! kept #f)
(set! long #f)
(gc)
(check #t (< (+ (gc-statistic "foreign_bytes") (gc-statistic "offheap_bytes")) 1500000))
(report 'offheap)
