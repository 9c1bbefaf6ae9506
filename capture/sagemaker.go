package capture

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/valyala/fastjson"
)

// The keys under which servers take and return lists of rows (TensorFlow Serving, MLflow and SageMaker's own).
var (
	inputLists  = []string{"instances", "inputs"}
	outputLists = []string{"predictions"}
)

const (
	inputField  = "captureData.endpointInput.data"
	outputField = "captureData.endpointOutput.data"
)

// readSageMaker reads a line of SageMaker Data Capture. It names no endpoint: there the endpoint is part of the file's
// key.
func (r *Record) readSageMaker(v *fastjson.Value) error {
	r.input.reset(inputField)
	r.output.reset(outputField)
	r.input.lists, r.output.lists = inputLists, outputLists
	data := v.Get("captureData")
	if err := r.input.readSide(data.Get("endpointInput")); err != nil {
		return err
	}
	if err := r.output.readSide(data.Get("endpointOutput")); err != nil {
		return err
	}
	if r.input.form == absent && r.output.form == absent {
		return &Error{ReasonEnvelope, "captureData", "has no endpointInput and no endpointOutput: want at least one"}
	}
	metadata := v.Get("eventMetadata")
	r.EventID = identifier(metadata.Get("eventId"))
	r.InferenceID = identifier(metadata.Get("inferenceId"))
	return r.readTime("eventMetadata.inferenceTime", metadata.Get("inferenceTime"))
}

// readSide reads what was captured of one side, if it was.
func (p *payload) readSide(v *fastjson.Value) error {
	if v == nil || v.Type() == fastjson.TypeNull {
		return nil
	}
	if v.Type() != fastjson.TypeObject {
		return fail(ReasonEnvelope, strings.TrimSuffix(p.field, ".data"), v.String(), "an object")
	}
	data := v.Get("data")
	if data == nil || data.Type() != fastjson.TypeString {
		return fail(ReasonEnvelope, strings.TrimSuffix(p.field, ".data"), v.String(), "an object with a string under data")
	}
	switch text := data.GetStringBytes(); string(v.GetStringBytes("encoding")) {
	case "CSV":
		return p.readCSV(text)
	case "JSON":
		return p.readJSON(text)
	case "BASE64":
		return p.readBase64(text, v.GetStringBytes("observedContentType"))
	default:
		p.form = opaque
		return nil
	}
}

// readBase64 judges bytes that SageMaker did not: it encodes every content type that it was not told to be text.
func (p *payload) readBase64(text, contentType []byte) error {
	var err error
	if p.decoded, err = base64.StdEncoding.AppendDecode(p.decoded[:0], text); err != nil {
		return fail(ReasonEncoding, p.field, text, "base64")
	}
	contentType = bytes.ToLower(contentType)
	switch {
	case bytes.Contains(contentType, []byte("csv")):
		return p.readCSV(p.decoded)
	case bytes.Contains(contentType, []byte("json")):
		return p.readJSON(p.decoded)
	}
	if start := bytes.TrimSpace(p.decoded); len(start) > 0 && (start[0] == '{' || start[0] == '[') {
		var fault *Error
		if err := p.readJSON(p.decoded); !errors.As(err, &fault) || fault.Reason != ReasonPayload {
			return err
		}
	}
	p.form = opaque
	return nil
}
