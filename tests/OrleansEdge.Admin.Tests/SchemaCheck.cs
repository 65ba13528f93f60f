using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace OrleansEdge.Admin.Tests;

/// <summary>Checks JSON against the schemas of an OpenAPI document, as far as that document uses JSON Schema.</summary>
internal sealed class SchemaCheck(JsonNode document)
{
    private readonly List<string> _faults = [];

    public List<string> Check(string schema, JsonNode? value)
    {
        Check(Named(schema), value, schema);
        return _faults;
    }

    /// <summary>Compares what stands in a document that was written out in full, and not in the one it came from, with the defaults of the schema.</summary>
    public List<string> CheckDefaults(string schema, JsonNode written, JsonNode given)
    {
        CheckDefaults(Named(schema), written, given, schema);
        return _faults;
    }

    private void Check(JsonNode schema, JsonNode? value, string at)
    {
        schema = Follow(schema);
        if (schema["oneOf"] is JsonArray choices)
        {
            Expect(choices.Count(choice => new SchemaCheck(document).Matches(choice!, value)) == 1, at, "is not one of the choices");
            return;
        }

        var type = TypeOf(value);
        if (!Types(schema).Contains(type) && !(type == "integer" && Types(schema).Contains("number")))
        {
            _faults.Add($"{at} is {type}");
            return;
        }

        switch (value)
        {
            case JsonObject members:
                CheckObject(schema, members, at);
                break;
            case JsonArray items:
                CheckArray(schema, items, at);
                break;
            case JsonValue scalar:
                CheckScalar(schema, scalar, at);
                break;
        }
    }

    private bool Matches(JsonNode schema, JsonNode? value)
    {
        Check(schema, value, "");
        return _faults.Count == 0;
    }

    private void CheckObject(JsonNode schema, JsonObject members, string at)
    {
        foreach (var required in schema["required"]?.AsArray() ?? [])
        {
            Expect(members.ContainsKey((string)required!), at, $"lacks {required}");
        }

        foreach (var (name, value) in members)
        {
            if (schema["properties"]?[name] is { } property)
            {
                Check(property, value, $"{at}.{name}");
            }
            else
            {
                Expect(schema["additionalProperties"]?.GetValueKind() != JsonValueKind.False, at, $"may not have {name}");
            }
        }
    }

    private void CheckArray(JsonNode schema, JsonArray items, string at)
    {
        Expect(items.Count >= ((int?)schema["minItems"] ?? 0), at, "has too few items");
        foreach (var item in items)
        {
            Check(schema["items"]!, item, at + "[]");
        }
    }

    private void CheckScalar(JsonNode schema, JsonValue value, string at)
    {
        Expect(schema["enum"] is not JsonArray allowed || allowed.Any(item => JsonNode.DeepEquals(item, value)), at, $"may not be {value}");
        Expect(schema["pattern"] is not { } pattern || Regex.IsMatch(value.ToString(), (string)pattern!, RegexOptions.NonBacktracking), at, $"may not be {value}");
        if (value.GetValueKind() == JsonValueKind.Number)
        {
            var number = decimal.Parse(value.ToJsonString());
            Expect(number >= ((decimal?)schema["minimum"] ?? decimal.MinValue) && number <= ((decimal?)schema["maximum"] ?? decimal.MaxValue), at, $"may not be {value}");
        }
    }

    private void CheckDefaults(JsonNode schema, JsonNode written, JsonNode? given, string at)
    {
        foreach (var (name, property) in Follow(schema)["properties"]!.AsObject())
        {
            var (full, target) = (written[name], Follow(property!));
            Expect(written.AsObject().ContainsKey(name), at, $"lacks {name}");
            if (target["properties"] is not null)
            {
                CheckDefaults(target, full!, given?[name], $"{at}.{name}");
            }
            else if (target["items"] is { } items && Follow(items)["properties"] is not null)
            {
                CheckDefaults(items, full![0]!, given?[name]?[0], $"{at}.{name}[0]");
            }
            else if (given?[name] is null && target.AsObject().ContainsKey("default"))
            {
                Expect(JsonNode.DeepEquals(target["default"], full), at, $"{name} is {full?.ToJsonString()}, not the default");
            }
        }
    }

    private JsonNode Named(string schema) => document["components"]!["schemas"]![schema]!;

    private JsonNode Follow(JsonNode schema)
        => schema["$ref"] is { } reference ? Named(((string)reference!).Split('/')[^1]) : schema;

    private static string[] Types(JsonNode schema)
        => schema["type"] is JsonArray types ? [.. types.Select(type => (string)type!)] : [(string)schema["type"]!];

    private static string TypeOf(JsonNode? value) => value?.GetValueKind() switch
    {
        null => "null",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        JsonValueKind.Number => value.ToJsonString().Contains('.', StringComparison.Ordinal) ? "number" : "integer",
        JsonValueKind.String => "string",
        JsonValueKind.Array => "array",
        _ => "object",
    };

    private void Expect(bool holds, string at, string fault)
    {
        if (!holds)
        {
            _faults.Add($"{at} {fault}");
        }
    }
}
