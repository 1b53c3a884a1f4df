// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"os"
	"strconv"
)

func rssBytes() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	fields := bytes.Fields(text)
	if err != nil || len(fields) < 2 {
		die("a file of /proc can't be read")
	}
	pages, err := strconv.ParseFloat(string(fields[1]), 64)
	if err != nil {
		die("a file of /proc can't be read")
	}
	return pages * float64(os.Getpagesize())
}

func sizes() {
	live, rounds := parameter("mib", 64)<<20, parameter("rounds", 12)
	least, most := parameter("least_bytes", 24), parameter("most_bytes", 8192)
	percent := parameter("percent", 150)
	r := random(88172645463325252)
	room := live/least + 1
	table := make([][]byte, 0, room)
	held := uint64(0)
	worst, last := 0.0, 0.0
	size := least
	for round := uint64(0); round < rounds; round++ {
		for made := uint64(0); made < live*percent/100; made += size {
			for held+size > live {
				at, end := r.next()%uint64(len(table)), len(table)-1
				held -= uint64(len(table[at]))
				table[at], table[end] = table[end], nil
				table = table[:end]
			}
			object := make([]byte, size)
			for i := range object {
				object[i] = byte(size)
			}
			table = append(table, object)
			held += size
		}
		last = rssBytes() / float64(held+room*24) // a slice has three words
		if last > worst {
			worst = last
		}
		if size += size / 2; size > most {
			size = least
		}
	}
	for _, object := range table {
		if object[0] != byte(len(object)) || object[len(object)-1] != byte(len(object)) {
			die("sizes: an object is not what was written")
		}
	}
	figure("rss_per_live_most", worst)
	figure("rss_per_live", last)
}
