// SPDX-License-Identifier: MIT

package main

import "strings"

// spell appends the letters of a word; frequent ones are short.
func spell(to []byte, number uint64) []byte {
	mixed := (number + 1) * 0x9e3779b97f4a7c15
	length := uint(0)
	for left := number + 1; left != 0 || length < 3; left /= 8 {
		to = append(to, byte('a'+(left%8+mixed>>length%18)%26))
		length++
	}
	for {
		to = append(to, byte('a'+number%26))
		length++
		if number /= 26; number == 0 || length >= 24 {
			return to
		}
	}
}

var wordsSink string

func words() {
	lines, perLine := parameter("lines", 150000), parameter("words", 12)
	distinct := parameter("distinct", 60000)
	r := random(88172645463325252)
	counts := map[string]uint64{}
	var text []byte
	total := uint64(0)
	for i := uint64(0); i < lines; i++ {
		text = text[:0]
		for j := uint64(0); j < perLine; j++ {
			at := r.next()%distinct + 1
			text = append(spell(text, r.next()%at*(r.next()%at)/at), ' ')
		}
		line := string(text[:len(text)-1])
		split := strings.Split(line, " ")
		for _, word := range split {
			counts[strings.ToUpper(word)]++
		}
		for a, b := 0, len(split)-1; a < b; a, b = a+1, b-1 {
			split[a], split[b] = split[b], split[a]
		}
		wordsSink = strings.Join(split, " ")
		total += uint64(len(split))
	}
	for _, count := range counts {
		total -= count
	}
	if total != 0 {
		die("words: some were not counted")
	}
	figure("distinct_words", float64(len(counts)))
}
