package sequential

import "math/bits"

// twister is MT19937, the generator behind Python's random, so that tests draw what river drew.
//
// Source: Matsumoto and Nishimura, "Mersenne Twister", ACM TOMACS 8(1), 1998, with their seeding by array of 2002.
type twister struct {
	words [624]uint32
	at    int
}

// newTwister begins as random.Random(seed) does.
func newTwister(seed uint32) *twister {
	m := &twister{at: 624}
	w := &m.words
	w[0] = 19650218
	for i := uint32(1); i < 624; i++ {
		w[i] = 1812433253*(w[i-1]^w[i-1]>>30) + i
	}
	i := 1
	wrap := func() {
		if i++; i == 624 {
			w[0], i = w[623], 1
		}
	}
	for range 624 {
		w[i] = (w[i] ^ (w[i-1]^w[i-1]>>30)*1664525) + seed
		wrap()
	}
	for range 623 {
		w[i] = (w[i] ^ (w[i-1]^w[i-1]>>30)*1566083941) - uint32(i)
		wrap()
	}
	w[0] = 1 << 31
	return m
}

func (m *twister) next() uint32 {
	if m.at == 624 {
		for i := range m.words {
			y := m.words[i]&(1<<31) | m.words[(i+1)%624]&(1<<31-1)
			m.words[i] = m.words[(i+397)%624] ^ y>>1 ^ -(y&1)&0x9908b0df
		}
		m.at = 0
	}
	y := m.words[m.at]
	m.at++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

// sample is Python's random.sample(range(n), k) where k is more than a quarter of n: each choice is replaced by the
// last number that is left.
func (m *twister) sample(n, k int) []int {
	left := make([]int, n)
	for i := range left {
		left[i] = i
	}
	chosen := make([]int, k)
	for i := range chosen {
		size := n - i
		j := int(m.next() >> (32 - bits.Len(uint(size))))
		for j >= size {
			j = int(m.next() >> (32 - bits.Len(uint(size))))
		}
		chosen[i] = left[j]
		left[j] = left[size-1]
	}
	return chosen
}
