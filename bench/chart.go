//go:build linux

package main

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Sizes in pixels.
const (
	chartWidth  = 760
	labelWidth  = 200
	valueWidth  = 130
	rowHeight   = 20
	headHeight  = 30
	chartMargin = 14
	axisHeight  = 24
	plotLeft    = chartMargin + labelWidth
	plotWidth   = chartWidth - plotLeft - valueWidth - chartMargin
	oursColor   = "#c2410c"
	limitColor  = "#6b7280"
	peersColor  = "#1d4ed8"
)

// chart draws the starts that end in a program: a dot for the median, a line from the 10th to the
// 90th percentile. The axis is logarithmic, since the slowest takes some forty times as long as the
// fastest; so there are dots, whose place says what the length of a bar could not.
func (r *results) chart() string {
	shown, groups := r.charted()
	if len(shown) == 0 {
		return emptyChart
	}
	axis := newAxis(shown)
	height := 2*chartMargin + groups*headHeight + len(shown)*rowHeight + axisHeight
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d"`, chartWidth, height)
	fmt.Fprintln(&out, ` font-family="sans-serif" font-size="12">`)
	fmt.Fprintf(&out, "<title>Milliseconds from the start to the end of /bin/true</title>\n")
	fmt.Fprintf(&out, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", chartWidth, height)
	axis.draw(&out, height)
	y, group := chartMargin, ""
	for _, s := range shown {
		if s.Group != group {
			group = s.Group
			y += headHeight
			text(&out, chartMargin, y-8, "start", "#111827", `font-weight="bold"`, group)
		}
		y += rowHeight
		drawRow(&out, s, axis, y-rowHeight/2)
	}
	out.WriteString("</svg>\n")
	return out.String()
}

const emptyChart = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"></svg>` + "\n"

func (r *results) charted() (shown []startResult, groups int) {
	group := ""
	for _, s := range r.Starts {
		if !strings.HasPrefix(s.Group, groupProgram) || s.Error != "" {
			continue
		}
		if s.Group != group {
			group = s.Group
			groups++
		}
		shown = append(shown, s)
	}
	return shown, groups
}

// axis maps microseconds to pixels.
type axis struct{ ticks []float64 } // 1, 2, 5, 10, ... from below the shortest to above the longest

func newAxis(shown []startResult) axis {
	low, high := math.Inf(1), 0.0
	for _, s := range shown {
		low, high = min(low, s.P10), max(high, s.P90)
	}
	var a axis
	for power := math.Pow(10, math.Floor(math.Log10(low))); ; power *= 10 {
		for _, step := range []float64{1, 2, 5} {
			if tick := step * power; len(a.ticks) > 0 && tick <= low {
				a.ticks[0] = tick
			} else {
				a.ticks = append(a.ticks, tick)
			}
			if step*power >= high && len(a.ticks) > 1 {
				return a
			}
		}
	}
}

func (a axis) x(microseconds float64) float64 {
	low, high := math.Log(a.ticks[0]), math.Log(a.ticks[len(a.ticks)-1])
	return plotLeft + plotWidth*(math.Log(microseconds)-low)/(high-low)
}

func (a axis) draw(out *strings.Builder, height int) {
	bottom := height - chartMargin - axisHeight
	for _, tick := range a.ticks {
		x := a.x(tick)
		fmt.Fprintf(out, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#d1d5db"/>`+"\n",
			x, chartMargin+headHeight, x, bottom)
		text(out, int(x), bottom+16, "middle", "#4b5563", "", fmt.Sprintf("%g", tick/1000))
	}
	text(out, chartWidth-chartMargin, bottom+16, "end", "#4b5563", "", "milliseconds")
}

func drawRow(out *strings.Builder, s startResult, a axis, y int) {
	color := peersColor
	switch {
	case strings.HasPrefix(s.Name, "initscript"):
		color = oursColor
	case strings.HasPrefix(s.Name, "C: "):
		color = limitColor
	}
	text(out, plotLeft-10, y+4, "end", color, "", s.Name)
	fmt.Fprintf(out, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="%s" stroke-width="2"/>`+"\n",
		a.x(s.P10), y, a.x(s.P90), y, color)
	fmt.Fprintf(out, `<circle cx="%.1f" cy="%d" r="5" fill="%s"/>`+"\n", a.x(s.Median), y, color)
	value := fmt.Sprintf("%.2f ms, %.2f x", s.Median/1000, s.Ratio)
	text(out, chartWidth-chartMargin, y+4, "end", color, "", value)
}

func text(out *strings.Builder, x, y int, anchor, color, attributes, content string) {
	fmt.Fprintf(out, `<text x="%d" y="%d" text-anchor="%s" fill="%s" %s>%s</text>`+"\n",
		x, y, anchor, color, attributes, html.EscapeString(content))
}
