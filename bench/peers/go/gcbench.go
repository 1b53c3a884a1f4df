// SPDX-License-Identifier: MIT

package main

type holedNode struct {
	left, right *holedNode
	i, j        int64
}

const lastingNumbers = 500000

var (
	holeSeed = random(88172645463325252)
	holeSink interface{}
)

// newHole allocates 1–8 words that are garbage as soon as the next hole is made.
func newHole(words uint64) {
	switch words {
	case 1:
		holeSink = new([1]uint64)
	case 2:
		holeSink = new([2]uint64)
	case 3:
		holeSink = new([3]uint64)
	case 4:
		holeSink = new([4]uint64)
	case 5:
		holeSink = new([5]uint64)
	case 6:
		holeSink = new([6]uint64)
	case 7:
		holeSink = new([7]uint64)
	default:
		holeSink = new([8]uint64)
	}
}

func newHoledNode() *holedNode {
	if r := holeSeed.next(); r&1 != 0 {
		newHole(1 + r>>1%8)
	}
	return &holedNode{}
}

func (n *holedNode) populate(depth uint64) uint64 {
	if depth == 0 {
		return 1
	}
	n.left = newHoledNode()
	n.right = newHoledNode()
	return 1 + n.left.populate(depth-1) + n.right.populate(depth-1)
}

func buildHoled(depth uint64) *holedNode {
	if depth == 0 {
		return newHoledNode()
	}
	left, right := buildHoled(depth-1), buildHoled(depth-1)
	node := newHoledNode()
	node.left, node.right = left, right
	return node
}

func (n *holedNode) count() uint64 {
	if n.left == nil {
		return 1
	}
	return 1 + n.left.count() + n.right.count()
}

func treeNodes(depth uint64) uint64 { return 2<<depth - 1 }

var holedSink *holedNode

func gcbench() {
	depthMax := parameter("depth", 16)
	holedSink = buildHoled(depthMax + 2)
	lasting := newHoledNode()
	lasting.populate(depthMax)
	numbers := make([]float64, lastingNumbers)
	for i := range numbers {
		numbers[i] = 1 / float64(i+1)
	}
	for depth := uint64(4); depth <= depthMax; depth += 2 {
		trees := 2 * treeNodes(depthMax+2) / treeNodes(depth)
		for i := uint64(0); i < trees; i++ {
			holedSink = newHoledNode()
			if holedSink.populate(depth) != treeNodes(depth) {
				die("gcbench: memory was lost")
			}
		}
		for i := uint64(0); i < trees; i++ {
			holedSink = buildHoled(depth)
		}
	}
	if lasting.count() != treeNodes(depthMax) || numbers[1000] != 1.0/1001 {
		die("gcbench: memory was lost")
	}
}
