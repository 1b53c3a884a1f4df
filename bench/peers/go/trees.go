// SPDX-License-Identifier: MIT

package main

import "sync"

type treeNode struct{ left, right *treeNode }

const treeDepthMin = 4

func buildTree(depth uint64) *treeNode {
	if depth == 0 {
		return &treeNode{}
	}
	return &treeNode{buildTree(depth - 1), buildTree(depth - 1)}
}

func (n *treeNode) count() uint64 {
	if n.left == nil {
		return 1
	}
	return 1 + n.left.count() + n.right.count()
}

func expectTrees(count, trees, depth uint64) {
	if count != trees*(2<<depth-1) {
		die("trees: a tree lost nodes")
	}
}

func runTrees(depthMax uint64) {
	expectTrees(buildTree(depthMax+1).count(), 1, depthMax+1)
	lasting := buildTree(depthMax)
	for depth := uint64(treeDepthMin); depth <= depthMax; depth += 2 {
		trees, count := uint64(1)<<(depthMax-depth+treeDepthMin), uint64(0)
		for i := uint64(0); i < trees; i++ {
			count += buildTree(depth).count()
		}
		expectTrees(count, trees, depth)
	}
	expectTrees(lasting.count(), 1, depthMax)
}

func trees() {
	depth, threads := parameter("depth", 18), parameter("threads", 1)
	var done sync.WaitGroup
	for i := uint64(0); i < threads; i++ {
		done.Add(1)
		go func() {
			runTrees(depth)
			done.Done()
		}()
	}
	done.Wait()
}
