using Microsoft.AspNetCore.Http;
using OrleansEdge.Admin.Requests;

namespace OrleansEdge.Admin.Answers;

/// <summary>A document in force with its version as the entity tag.</summary>
internal sealed record DocumentAnswer<T>(int Status, T Document, long Version, string? Location = null) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.StatusCode = Status;
        response.Headers.ETag = EntityTags.Format(Version);
        if (Location is not null)
        {
            response.Headers.Location = Location;
        }

        return Status == StatusCodes.Status304NotModified
            ? Task.CompletedTask
            : JsonText.WriteAsync(response, Document);
    }
}
