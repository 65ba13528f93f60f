using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;
using OrleansEdge.Admin.Requests;
using OrleansEdge.Model;

namespace OrleansEdge.Admin.Answers;

/// <summary>A statement, byte for byte as <see cref="StatementText"/> writes it; as CSV a file to be saved.</summary>
internal sealed record StatementAnswer(Statement Statement, StatementFormat Format) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.Headers.Vary = HeaderNames.Accept;
        if (Format is StatementFormat.Json)
        {
            return WriteAsync(response, StatementFormats.Json, StatementText.Json(Statement));
        }

        // An id of a tenant holds nothing that would have to be escaped.
        response.Headers.ContentDisposition = $"attachment; filename=\"{Statement.Tenant}-{Statement.Month}.csv\"";
        return WriteAsync(response, StatementFormats.Csv, StatementText.Csv(Statement));
    }

    private static Task WriteAsync(HttpResponse response, string contentType, byte[] text)
    {
        response.ContentType = contentType;
        response.ContentLength = text.Length;
        return response.Body.WriteAsync(text, 0, text.Length, response.HttpContext.RequestAborted);
    }
}
