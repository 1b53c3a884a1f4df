// SPDX-License-Identifier: MIT

package main

import (
	"time"
	"unsafe"
)

type refsNode struct{ refs [4]unsafe.Pointer }

type bytesNode struct{ data [4]uint64 }

// What is stored here escapes to the heap.
var (
	refsSink  *refsNode
	bytesSink *bytesNode
	mixedSink []unsafe.Pointer
	leafSink  []uint64
)

func alloc() {
	shape := parameterText("shape", "refs")
	otherwise := uint64(1) << 25
	if shape == "mixed" || shape == "kinds" {
		otherwise = 1 << 23
	}
	objects := parameter("objects", otherwise)
	var sizes [1024]uint64 // words
	var leaves [1024]bool
	r := random(88172645463325252)
	for i := range sizes {
		sizes[i] = 2 + r.next()%63
		leaves[i] = shape == "kinds" && r.next()%2 != 0
	}

	start := time.Now()
	switch shape {
	case "refs":
		for i := uint64(0); i < objects; i++ {
			refsSink = &refsNode{}
		}
	case "leaf":
		for i := uint64(0); i < objects; i++ {
			bytesSink = &bytesNode{}
		}
	case "mixed":
		for i := uint64(0); i < objects; i++ {
			mixedSink = make([]unsafe.Pointer, sizes[i%1024])
		}
	case "kinds":
		for i := uint64(0); i < objects; i++ {
			if leaves[i%1024] {
				leafSink = make([]uint64, sizes[i%1024])
			} else {
				mixedSink = make([]unsafe.Pointer, sizes[i%1024])
			}
		}
	default:
		die("alloc: shape is refs, leaf, mixed or kinds")
	}
	figure("ns_per_object", float64(time.Since(start))/float64(objects))
}
