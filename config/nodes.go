package config

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// start is where the node begins.
func start(node ast.Node) position {
	switch n := node.(type) {
	case *ast.MappingNode:
		if !n.IsFlowStyle && len(n.Values) > 0 {
			return start(n.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return start(n.Key)
	}
	return of(node.GetToken())
}

func of(t *token.Token) position {
	if t == nil || t.Position == nil {
		return position{1, 1}
	}
	return position{t.Position.Line, t.Position.Column}
}

func keyOf(e *ast.MappingValueNode) string { return e.Key.GetToken().Value }

// asMapping returns the node as a mapping. The parser may leave a mapping of one pair as the pair.
func asMapping(node ast.Node) (*ast.MappingNode, bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n, true
	case *ast.MappingValueNode:
		return &ast.MappingNode{Values: []*ast.MappingValueNode{n}}, true
	}
	return nil, false
}

// mendColon returns an element of a list such as localhost:9092 as the text that it is. Within braces the parser
// (goccy/go-yaml 1.19, its issue 832) takes it for a mapping, although no space follows the colon.
func mendColon(element ast.Node) ast.Node {
	m, ok := asMapping(element)
	if !ok || m.IsFlowStyle && m.Start.Type == token.MappingStartType || len(m.Values) != 1 {
		return element
	}
	key, value := m.Values[0].Key.GetToken(), m.Values[0].Value.GetToken()
	_, plain := textOf(m.Values[0].Value)
	if !plain || key.Indicator == token.QuotedScalarIndicator || value.Indicator == token.QuotedScalarIndicator {
		return element
	}
	from, to := of(key), of(value)
	if from.line != to.line || to.column != from.column+utf8.RuneCountInString(key.Value)+1 {
		return element
	}
	whole := key.Clone()
	whole.Value += ":" + value.Value
	return ast.String(whole)
}

// textOf is the text of a scalar as it is written, without quotes and without the line end of a block.
func textOf(node ast.Node) (string, bool) {
	switch n := node.(type) {
	case *ast.LiteralNode:
		return strings.TrimSuffix(n.Value.Value, "\n"), true
	case *ast.StringNode:
		return n.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// kind says what a node is, for a reader.
func kind(node ast.Node) string {
	if text, ok := textOf(node); ok {
		return strconv.Quote(text)
	}
	switch node.Type() {
	case ast.SequenceType:
		return "a list"
	case ast.MappingType, ast.MappingValueType:
		return "a mapping"
	case ast.NullType:
		return "empty"
	}
	return "not a plain value"
}

// join puts a key after the path of the mapping it is in.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// parent cuts the last key or index off a path.
func parent(path string) string {
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}
