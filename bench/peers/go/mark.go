// SPDX-License-Identifier: MIT

package main

import (
	"runtime"
	"time"
)

type listNode struct {
	next *listNode
	data [3]uint64
}

type binaryNode struct {
	left, right *binaryNode
	data        [2]uint64
}

type leafNode struct{ data [6]uint64 }

type graphNode struct {
	next   *graphNode
	others [3]*graphNode
	data   [4]uint64
}

func buildList(objects uint64) (root *listNode) {
	link := &root
	for i := uint64(0); i < objects; i++ {
		*link = &listNode{data: [3]uint64{i}}
		link = &(*link).next
	}
	return root
}

func buildBinary(objects uint64) *binaryNode {
	if objects == 0 {
		return nil
	}
	node := &binaryNode{}
	node.left = buildBinary((objects - 1) / 2)
	node.right = buildBinary(objects - 1 - (objects-1)/2)
	return node
}

func (n *binaryNode) count() uint64 {
	if n == nil {
		return 0
	}
	return 1 + n.left.count() + n.right.count()
}

func buildArray(objects uint64) []*leafNode {
	array := make([]*leafNode, objects)
	for i := range array {
		array[i] = &leafNode{[6]uint64{uint64(i)}}
	}
	return array
}

func buildGraph(objects uint64) *graphNode {
	order := make([]uint32, objects)
	nodes := make([]*graphNode, objects)
	r := random(88172645463325252)
	for i := range nodes {
		nodes[i] = &graphNode{}
		at := r.next() % uint64(i+1)
		order[i] = order[at]
		order[at] = uint32(i)
	}
	for i := range order {
		nodes[order[i]].next = nodes[order[(uint64(i)+1)%objects]]
	}
	for i, node := range nodes {
		references := 1 + r.next()%3
		for j := uint64(0); j < references; j++ {
			node.others[j] = nodes[r.next()%objects]
		}
		node.data[0] = uint64(i)
	}
	return nodes[objects-1]
}

func (first *graphNode) count(objects uint64) uint64 {
	count := uint64(0)
	for node := first; ; {
		if node.data[0] < objects {
			count++
		}
		if node = node.next; node == first {
			return count
		}
	}
}

func mark() {
	shape, rounds := parameterText("shape", "graph"), parameter("rounds", 5)
	otherwise := uint64(1) << 24
	if shape == "list" || shape == "tree" {
		otherwise = 1 << 25
	}
	objects := parameter("objects", otherwise)

	start := time.Now()
	var count func() uint64
	switch shape {
	case "list":
		root := buildList(objects)
		count = func() (n uint64) {
			for node := root; node != nil && node.data[0] == n; node = node.next {
				n++
			}
			return n
		}
	case "tree":
		root := buildBinary(objects)
		count = func() uint64 { return root.count() }
	case "array":
		root := buildArray(objects)
		count = func() (n uint64) {
			for i, leaf := range root {
				if leaf.data[0] == uint64(i) {
					n++
				}
			}
			return n
		}
	case "graph":
		root := buildGraph(objects)
		count = func() uint64 { return root.count(objects) }
	default:
		die("mark: shape is list, tree, array or graph")
	}
	figure("build_ms", float64(time.Since(start))/1e6)

	tookMs, perObjectNs := make([]float64, rounds), make([]float64, rounds)
	runtime.GC()
	for i := range tookMs {
		start = time.Now()
		runtime.GC()
		took := float64(time.Since(start))
		tookMs[i], perObjectNs[i] = took/1e6, took/float64(objects)
	}
	spread("collection_ms", tookMs)
	spread("ns_per_object", perObjectNs)
	if count() != objects {
		die("mark: objects were lost")
	}
}
