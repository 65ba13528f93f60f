using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace OrleansEdge.Relay.Admission;

/// <summary>Answers a request with a refusal: problem+json (RFC 9457) and <c>Proxy-Status</c> (RFC 9209), under HTTP/1.1 and HTTP/2.</summary>
public static class RefusalResponse
{
    private static readonly TimeSpan DefaultRetryAfter = TimeSpan.FromSeconds(1);

    /// <summary>Writes the answer. Fields that the caller has set on it stay. An answer that has begun is aborted instead.</summary>
    /// <param name="context">The client's request.</param>
    /// <param name="refusal">What is refused.</param>
    /// <param name="detail">Sentence for people about this occurrence; names no address of an origin.</param>
    /// <param name="retryAfter">For 429 and 503, rounded up to whole seconds; <see langword="null"/>: 1 s.</param>
    public static async Task WriteAsync(HttpContext context, Refusal refusal, string detail, TimeSpan? retryAfter = null)
    {
        var response = context.Response;
        if (response.HasStarted)
        {
            context.Abort();
            return;
        }
        var body = Problem(refusal, detail);
        response.StatusCode = refusal.Status;
        response.ContentType = "application/problem+json";
        response.ContentLength = body.Length;
        response.Headers.CacheControl = "no-store";
        response.Headers["Proxy-Status"] = $"OrleansEdge; error={refusal.ProxyError}";
        if (refusal.Status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable)
        {
            var seconds = Math.Max(1, (long)Math.Ceiling((retryAfter ?? DefaultRetryAfter).TotalSeconds));
            response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await response.Body.WriteAsync(body, context.RequestAborted);
        }
    }

    private static byte[] Problem(Refusal refusal, string detail)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("type", $"urn:orleansedge:problem:{refusal.Code}");
            json.WriteString("title", refusal.Title);
            json.WriteNumber("status", refusal.Status);
            json.WriteString("code", refusal.Code);
            json.WriteString("detail", detail);
            json.WriteEndObject();
        }
        return stream.ToArray();
    }
}
