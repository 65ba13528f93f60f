using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace OrleansEdge.Admin.Requests;

/// <summary>Which of several media types a caller prefers (RFC 9110 section 12.5.1).</summary>
internal static class MediaPreference
{
    /// <summary>Chooses what the caller weighs highest; where that is several, what it names most closely; then the first that is offered.</summary>
    /// <param name="accept">The header <c>Accept</c>. Where it is missing everything is welcome.</param>
    /// <param name="offered">Media types, best first.</param>
    /// <returns><see langword="null"/> where none is acceptable.</returns>
    public static string? Choose(StringValues accept, params string[] offered)
    {
        // What cannot be read is passed over: clients of old Java send "*; q=.2".
        if (!MediaTypeHeaderValue.TryParseList(accept, out var ranges) || ranges.Count == 0)
        {
            return offered[0];
        }

        return offered
            .Select(type => (Type: type, Range: ClosestRange(ranges, MediaTypeHeaderValue.Parse(type))))
            .Where(choice => choice.Range is not null && Weight(choice.Range) > 0)
            .OrderByDescending(choice => Weight(choice.Range!))
            .ThenByDescending(choice => Closeness(choice.Range!))
            .Select(choice => choice.Type)
            .FirstOrDefault();
    }

    private static MediaTypeHeaderValue? ClosestRange(IEnumerable<MediaTypeHeaderValue> ranges, MediaTypeHeaderValue type)
        => ranges.Where(type.IsSubsetOf).OrderByDescending(Closeness).ThenByDescending(Weight).FirstOrDefault();

    private static double Weight(MediaTypeHeaderValue range) => range.Quality ?? 1;

    private static int Closeness(MediaTypeHeaderValue range) => range switch
    {
        { MatchesAllTypes: true } => 0,
        { MatchesAllSubTypes: true } => 1,
        _ => 2,
    };
}
