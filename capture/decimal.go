package capture

// maxDigits is the number of digits up to which every decimal number is below 2^53.
const maxDigits = 15

var powersOfTen = [maxDigits + 1]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}

// decimal reads a number as most are written: digits, at most 15, with a minus before them or not and one point among
// them or not. It is false for anything else. The digits without the point and the power of ten are float64s exactly,
// so their quotient is the float64 nearest to the number, which is what strconv.ParseFloat returns (Clinger, "How to
// Read Floating Point Numbers Accurately", PLDI 1990).
func decimal(cell []byte) (v float64, ok bool) {
	negative := len(cell) > 0 && cell[0] == '-'
	if negative {
		cell = cell[1:]
	}
	if len(cell) > maxDigits+1 {
		return 0, false
	}
	number, digits, point := uint64(0), 0, -1
	for i, c := range cell {
		digit := c - '0'
		switch {
		case digit <= 9:
			number = 10*number + uint64(digit)
			digits++
		case c == '.' && point < 0:
			point = i
		default:
			return 0, false
		}
	}
	if digits == 0 || digits > maxDigits {
		return 0, false
	}
	v = float64(number)
	if point >= 0 {
		v /= powersOfTen[digits-point]
	}
	if negative {
		v = -v
	}
	return v, true
}
