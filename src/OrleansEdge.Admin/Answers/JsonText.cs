using System.Text.Json;
using Microsoft.AspNetCore.Http;
using OrleansEdge.Model;

namespace OrleansEdge.Admin.Answers;

/// <summary>JSON bodies: indented and with a line feed at the end, for people with a terminal, and of known length.</summary>
internal static class JsonText
{
    private static readonly JsonSerializerOptions Indented = new(EdgeJson.Options) { WriteIndented = true, NewLine = "\n" };

    public static Task WriteAsync<T>(HttpResponse response, T value, string contentType = "application/json; charset=utf-8")
    {
        byte[] text = [.. JsonSerializer.SerializeToUtf8Bytes(value, Indented), (byte)'\n'];
        response.ContentType = contentType;
        response.ContentLength = text.Length;
        return response.Body.WriteAsync(text, 0, text.Length, response.HttpContext.RequestAborted);
    }
}

/// <summary>A value as the whole answer.</summary>
internal sealed record JsonAnswer<T>(int Status, T Value) : IResult
{
    /// <summary>Path of what was created; <see langword="null"/>: nothing was.</summary>
    public string? Location { get; init; }

    public Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.StatusCode = Status;
        if (Location is not null)
        {
            response.Headers.Location = Location;
        }

        return JsonText.WriteAsync(response, Value);
    }
}

/// <summary>Answers of the control plane.</summary>
internal static class JsonAnswer
{
    /// <summary>What was asked for, or why it is not to be had.</summary>
    public static IResult Of<T>(ControlResult<T> result)
        => result.Failure is { } failure ? Problem.Of(failure) : new JsonAnswer<T>(StatusCodes.Status200OK, result.Value);
}
