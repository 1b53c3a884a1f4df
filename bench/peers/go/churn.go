// SPDX-License-Identifier: MIT

package main

import (
	"math/bits"
	"sync"
	"time"
)

const (
	subtreeDepth = 4
	subtreeNodes = 31
	splitBits    = 6 // buckets of the histogram to each doubling: 64
)

type churnNode struct {
	left, right *churnNode
	data        [6]uint64
}

// histogram counts durations in ns, as histogram.h does.
type histogram struct {
	buckets    [(64 - splitBits + 1) << splitBits]uint64
	count, max uint64
}

func (h *histogram) add(value uint64) {
	shift := 0
	if value >= 1<<splitBits {
		shift = bits.Len64(value) - 1 - splitBits
	}
	h.buckets[uint64(shift)<<splitBits+value>>shift]++
	h.count++
	if value > h.max {
		h.max = value
	}
}

func (h *histogram) merge(from *histogram) {
	for i, n := range from.buckets {
		h.buckets[i] += n
	}
	h.count += from.count
	if from.max > h.max {
		h.max = from.max
	}
}

func (h *histogram) quantile(share float64) float64 {
	left := uint64(share * float64(h.count))
	for i, n := range h.buckets {
		if left < n {
			shift := 0
			if i >= 2<<splitBits {
				shift = i>>splitBits - 1
			}
			top := uint64(i-shift<<splitBits+1)<<shift - 1
			if top > h.max {
				top = h.max
			}
			return float64(top)
		}
		left -= n
	}
	return float64(h.max)
}

func buildSubtree(depth int) *churnNode {
	if depth == 0 {
		return &churnNode{data: [6]uint64{subtreeNodes}}
	}
	left, right := buildSubtree(depth-1), buildSubtree(depth-1)
	return &churnNode{left: left, right: right, data: [6]uint64{subtreeNodes}}
}

func (n *churnNode) count() int {
	if n == nil {
		return 0
	}
	count := n.left.count() + n.right.count()
	if n.data[0] == subtreeNodes {
		count++
	}
	return count
}

func churn() {
	threads, seconds := parameter("threads", 2), parameter("seconds", 10)
	workNs, spinners := parameter("work_ns", 5200), parameter("spinners", 0)
	allocate := parameter("allocate", 1) != 0
	period, iterations := parameter("period_ns", 0), parameter("iterations", 0)
	table := make([]*churnNode, parameter("mib", 1024)<<20/(subtreeNodes*64))
	part := uint64(len(table)) / threads
	steps := uint64(0)
	if workNs > 0 {
		steps = workSteps(time.Duration(workNs))
	}
	for i := range table {
		table[i] = buildSubtree(subtreeDepth)
	}
	for i := uint64(0); i < spinners; i++ {
		go func() {
			for {
				work(1000)
			}
		}()
	}

	times := make([]histogram, threads)
	rates := make([]float64, threads)
	var done sync.WaitGroup
	for i := uint64(0); i < threads; i++ {
		done.Add(1)
		go func(i uint64) {
			defer done.Done()
			r := random(88172645463325252 + i)
			sink := uint64(0)
			start := time.Now()
			now, end := time.Duration(0), time.Duration(seconds)*time.Second
			for iterations == 0 && now < end || times[i].count < iterations {
				due := now
				if period != 0 {
					due = time.Duration(times[i].count * period)
					for time.Since(start) < due {
					}
				}
				sink += work(steps)
				if allocate {
					table[part*i+r.next()%part] = buildSubtree(subtreeDepth)
				}
				now = time.Since(start)
				times[i].add(uint64(now - due))
			}
			rates[i] = float64(times[i].count) / now.Seconds()
			if sink == 1 {
				die("churn: work was not done")
			}
		}(i)
	}
	done.Wait()

	var all histogram
	perSecond := 0.0
	for i := range times {
		all.merge(&times[i])
		perSecond += rates[i]
	}
	figure("iterations_per_second", perSecond)
	figure("p50_us", all.quantile(.5)/1e3)
	figure("p99_us", all.quantile(.99)/1e3)
	figure("p999_us", all.quantile(.999)/1e3)
	figure("p9999_us", all.quantile(.9999)/1e3)
	figure("max_us", float64(all.max)/1e3)
	for _, subtree := range table {
		if subtree.count() != subtreeNodes {
			die("churn: a subtree lost nodes")
		}
	}
}
