using System.Buffers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using OrleansEdge.Admin.Answers;

namespace OrleansEdge.Admin.Requests;

/// <summary>Bodies of requests: JSON in UTF-8, at most 1 MiB.</summary>
internal static class JsonBody
{
    /// <summary>Most bytes of a body.</summary>
    public const int MaxBytes = 1024 * 1024;

    /// <summary>Refuses a body of another type. Where the route takes none, what comes is only looked at for that: a form that
    /// a web page sends across origins is not let through.</summary>
    public static Problem? RefuseType(HttpContext context, bool required)
    {
        var hasBody = context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? true;
        if (!required && !hasBody)
        {
            return null;
        }

        return IsJson(context.Request)
            ? null
            : new Problem(StatusCodes.Status415UnsupportedMediaType, "content_type_unsupported", "The body must be application/json in UTF-8, without a Content-Encoding.");
    }

    /// <summary>Reads the whole body.</summary>
    /// <returns>The body, or <see langword="null"/> where it is too big.</returns>
    public static async Task<ReadOnlyMemory<byte>?> ReadAsync(HttpContext context)
    {
        if (context.Request.ContentLength > MaxBytes)
        {
            return null;
        }

        var body = new ArrayBufferWriter<byte>();
        while (true)
        {
            var read = await context.Request.BodyReader.ReadAsync(context.RequestAborted);
            foreach (var segment in read.Buffer)
            {
                body.Write(segment.Span);
            }

            context.Request.BodyReader.AdvanceTo(read.Buffer.End);
            if (body.WrittenCount > MaxBytes)
            {
                return null;
            }

            if (read.IsCompleted)
            {
                return body.WrittenMemory;
            }
        }
    }

    /// <summary>The problem of a body that is too big.</summary>
    public static Problem TooBig() => new(StatusCodes.Status413PayloadTooLarge, "body_too_big", $"The body is over {MaxBytes} bytes.");

    private static bool IsJson(HttpRequest request)
        => MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
        && type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
        && type.Parameters.All(IsUtf8)
        && !request.Headers.ContainsKey(HeaderNames.ContentEncoding);

    private static bool IsUtf8(NameValueHeaderValue parameter)
        => parameter.Name.Equals("charset", StringComparison.OrdinalIgnoreCase)
        && HeaderUtilities.RemoveQuotes(parameter.Value).Equals("utf-8", StringComparison.OrdinalIgnoreCase);
}
