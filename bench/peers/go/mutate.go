// SPDX-License-Identifier: MIT

package main

import (
	"sync"
	"time"
)

type storedNode struct {
	refs   [3]*storedNode
	number uint64
}

func mutate() {
	count, stores := parameter("nodes", 8192), parameter("stores", 40000000)
	threads, neighbours := parameter("threads", 1), parameter("neighbours", 1) != 0
	every := parameter("every", 0)
	nodes := make([]*storedNode, count)
	for i := range nodes {
		nodes[i] = &storedNode{number: uint64(i)}
	}
	part := count / threads
	mine := func(random, index uint64) *storedNode {
		at := random & 0xffffffff * part >> 32
		if neighbours {
			return nodes[at*threads+index]
		}
		return nodes[part*index+at]
	}
	took := make([]time.Duration, threads)
	var done sync.WaitGroup
	for i := uint64(0); i < threads; i++ {
		done.Add(1)
		go func(index uint64) {
			defer done.Done()
			r := random(88172645463325252 + index)
			start := time.Now()
			until := every
			for j := uint64(0); j < stores/threads; j++ {
				x := r.next()
				mine(x, index).refs[x>>60%3] = nodes[x>>32*count>>32]
				if until--; until == 0 {
					x = r.next()
					node := &storedNode{}
					node.refs[0] = nodes[x>>32*count>>32]
					mine(x, index).refs[0] = node
					until = every
				}
			}
			took[index] = time.Since(start)
		}(i)
	}
	done.Wait()
	sum := time.Duration(0)
	for _, one := range took {
		sum += one
	}
	figure("ns_per_store", float64(sum)/float64(stores/threads*threads))
	for i, node := range nodes {
		if node.number != uint64(i) {
			die("mutate: a node is not what it was")
		}
	}
}
