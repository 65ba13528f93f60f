using System.Text.Json;

namespace OrleansEdge.Standalone.Demo;

/// <summary>One comment of the demo.</summary>
internal sealed record DemoComment(long Id, string Name, string Text, DateTimeOffset At);

/// <summary>What a browser sends: <c>{"type":"comment","name":"Ada","text":"Hello"}</c>.</summary>
internal sealed record DemoPost(string? Type, string? Name, string? Text);

/// <summary>The demo's messages as UTF-8 JSON.</summary>
internal static class DemoMessages
{
    /// <summary>Longest name in characters; longer ones are cut.</summary>
    public const int MaxNameLength = 32;

    /// <summary>Longest text in characters; longer ones are refused.</summary>
    public const int MaxTextLength = 500;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    public static byte[] Welcome(int viewers, IReadOnlyCollection<DemoComment> comments)
        => JsonSerializer.SerializeToUtf8Bytes(new { Type = "welcome", Viewers = viewers, Comments = comments }, Json);

    public static byte[] Comment(DemoComment comment)
        => JsonSerializer.SerializeToUtf8Bytes(new { Type = "comment", comment.Id, comment.Name, comment.Text, comment.At }, Json);

    public static byte[] Viewers(int viewers) => JsonSerializer.SerializeToUtf8Bytes(new { Type = "viewers", Viewers = viewers }, Json);

    public static byte[] Error(string text) => JsonSerializer.SerializeToUtf8Bytes(new { Type = "error", Text = text }, Json);

    /// <summary>The comment of a message, or what is wrong with it.</summary>
    public static (DemoPost? Post, string Fault) Read(ReadOnlySpan<byte> message)
    {
        DemoPost? post;
        try
        {
            post = JsonSerializer.Deserialize<DemoPost>(message, Json);
        }
        catch (JsonException)
        {
            return (null, "This is not JSON.");
        }

        if (post is not { Type: "comment" })
        {
            return (null, "Only messages of type comment are understood.");
        }

        var text = post.Text?.Trim() ?? "";
        var fault = text.Length switch
        {
            0 => "The comment is empty.",
            > MaxTextLength => $"The comment is longer than {MaxTextLength} characters.",
            _ => "",
        };
        return fault.Length > 0 ? (null, fault) : (new("comment", Clean(post.Name), text), "");
    }

    private static string Clean(string? name)
    {
        var trimmed = name?.Trim() ?? "";
        return trimmed.Length == 0 ? "Anonymous" : trimmed[..Math.Min(trimmed.Length, MaxNameLength)];
    }
}
