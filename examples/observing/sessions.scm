(define-record-type session (make-session id user page) session?
  (id session-id) (user session-user) (page session-page))

(define open-sessions (make-hash-table))
(define seen (make-hash-table)) ; for statistics that nobody ever wrote

(define (serve id)
  (let ((s (make-session id (number->string id) (make-string 200 #\x))))
    (hash-table-set! open-sessions id s)
    (hash-table-set! seen id s)
    (hash-table-delete! open-sessions (- id 20)))) ; twenty are open at a time

(define (think n) (if (> n 0) (think (- n 1))))

(do ((id 1 (+ id 1))) ((> id 20000)) (serve id) (think 20000))
