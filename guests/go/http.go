package hks

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Request is the event of an HTTP trigger.
type Request struct {
	HTTPMethod            string            `json:"httpMethod"`
	Path                  string            `json:"path"`
	Headers               map[string]string `json:"headers"`
	QueryStringParameters map[string]string `json:"queryStringParameters"`
	PathParameters        map[string]string `json:"pathParameters"`
	Body                  string            `json:"body"`
	IsBase64Encoded       bool              `json:"isBase64Encoded"`
	RequestContext        json.RawMessage   `json:"requestContext"`
}

// Header is the value of a header, whatever the case of its name; empty if there is none.
func (r *Request) Header(name string) string {
	if value, ok := r.Headers[name]; ok {
		return value
	}
	for found, value := range r.Headers {
		if strings.EqualFold(found, name) {
			return value
		}
	}
	return ""
}

// Bytes is the body as it was sent.
func (r *Request) Bytes() ([]byte, error) {
	if !r.IsBase64Encoded {
		return []byte(r.Body), nil
	}
	body, err := base64.StdEncoding.DecodeString(r.Body)
	if err != nil {
		return nil, fmt.Errorf("the body is not base64: %w", err)
	}
	return body, nil
}

// JSON decodes the body into value, as [json.Unmarshal] does.
func (r *Request) JSON(value any) error {
	body, err := r.Bytes()
	if err != nil {
		return err
	}
	return json.Unmarshal(body, value)
}

// Response answers an HTTP request. A handler may also return anything else, which becomes a 200 with that as JSON.
type Response struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers,omitempty"`
	Body            string            `json:"body,omitempty"`
	IsBase64Encoded bool              `json:"isBase64Encoded,omitempty"`
}

// Text is a response with a text.
func Text(statusCode int, text string) Response {
	return Response{StatusCode: statusCode, Headers: contentType("text/plain; charset=utf-8"), Body: text}
}

// JSON is a response with value as JSON, or an error if it has none.
func JSON(statusCode int, value any) (Response, error) {
	text, err := encode(value)
	if err != nil {
		return Response{}, err
	}
	return Response{StatusCode: statusCode, Headers: contentType("application/json"), Body: string(text)}, nil
}

// Bytes is a response with any bytes of that type.
func Bytes(statusCode int, mime string, body []byte) Response {
	response := Response{StatusCode: statusCode, Headers: contentType(mime), Body: string(body)}
	if !utf8.Valid(body) {
		response.Body, response.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return response
}

func contentType(mime string) map[string]string { return map[string]string{"content-type": mime} }
