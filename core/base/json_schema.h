// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/json_numbers.h"
#include "core/base/json_read.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <limits>
#include <string>

/// JSON Schema (2020-12, as OpenAPI 3.1 has it) of a described type, by the rules of json.h: what is written by
/// writeJson() fits answerSchema(), and what does not fit requestSchema() is refused by a strict readJson(). Bounds
/// that a type does not tell (the length of a password) are the reader's.
namespace portolan {

namespace detail {

enum class SchemaOf {
    Answer,  ///< every member is there; more may come with a later version
    Request, ///< what has a default may be left out; nothing else may be there
};

inline boost::json::value orNull(boost::json::value schema)
{
    auto &members = schema.as_object();
    auto *const type = members.if_contains("type");
    if (!type || type->is_array()) // anything, or already: a number that need not be there
        return schema;
    if (auto *names = members.if_contains("enum"))
        names->as_array().emplace_back(nullptr);
    *type = boost::json::array{*type, "null"};
    return schema;
}

template <class T> boost::json::value schemaOf(SchemaOf use, bool isId);

template <DescribedStruct T> boost::json::value schemaOfStruct(SchemaOf use)
{
    boost::json::object properties;
    boost::json::array required;
    boost::mp11::mp_for_each<AllMembers<T>>([&]<class D>(D) {
        using Member = std::remove_cvref_t<decltype(std::declval<T &>().*D::pointer)>;
        const boost::json::string_view name(SplitName<D, '_'>::value);
        properties.emplace(name, schemaOf<Member>(use, isIdMember(D::name)));
        if (use == SchemaOf::Answer || !mayBeAbsent<T, D>())
            required.emplace_back(name);
    });
    boost::json::object schema{{"type", "object"}, {"properties", std::move(properties)}};
    if (!required.empty())
        schema.emplace("required", std::move(required));
    if (use == SchemaOf::Request)
        schema.emplace("additionalProperties", false);
    return schema;
}

template <class T> boost::json::value schemaOf(SchemaOf use, bool isId)
{
    using boost::json::object;
    if constexpr (std::is_same_v<T, boost::json::value>) {
        return object{};
    } else if constexpr (std::is_same_v<T, boost::json::object>) {
        return object{{"type", "object"}};
    } else if constexpr (std::is_same_v<T, boost::json::array>) {
        return object{{"type", "array"}};
    } else if constexpr (std::is_same_v<T, bool>) {
        return object{{"type", "boolean"}};
    } else if constexpr (std::is_integral_v<T>) {
        if (isId)
            return object{{"type", "string"}, {"pattern", "^[0-9]+$"}};
        object schema{{"type", "integer"}};
        if (std::is_unsigned_v<T>)
            schema.emplace("minimum", 0);
        if (sizeof(T) < sizeof(std::int64_t))
            schema.emplace("maximum", std::int64_t(std::numeric_limits<T>::max()));
        return schema;
    } else if constexpr (std::is_floating_point_v<T>) {
        return use == SchemaOf::Answer ? orNull(object{{"type", "number"}}) : object{{"type", "number"}};
    } else if constexpr (DescribedEnum<T>) {
        boost::json::array names;
        for (const auto &[value, name] : enumNames<T>)
            names.emplace_back(boost::json::string_view(name));
        return object{{"type", "string"}, {"enum", std::move(names)}};
    } else if constexpr (isDuration<T>) {
        return object{{"type", "number"}};
    } else if constexpr (std::is_same_v<T, WallTime>) {
        return object{{"type", "string"}, {"format", "date-time"}};
    } else if constexpr (isOptional<T>) {
        return orNull(schemaOf<typename T::value_type>(use, isId));
    } else if constexpr (isPointer<T>) {
        return orNull(schemaOf<std::remove_cv_t<typename T::element_type>>(use, isId));
    } else if constexpr (DescribedStruct<T>) {
        return schemaOfStruct<T>(use);
    } else if constexpr (MapLike<T>) {
        return object{{"type", "object"}, {"additionalProperties", schemaOf<typename T::mapped_type>(use, false)}};
    } else if constexpr (TextLike<T> || std::is_same_v<T, Secret>) {
        return object{{"type", "string"}};
    } else {
        using Item = std::ranges::range_value_t<T>;
        return object{{"type", "array"}, {"items", schemaOf<Item>(use, isId)}};
    }
}

} // namespace detail

/// Of what writeJson<T>() writes. As long as the program lives.
template <class T> const std::string &answerSchema()
{
    static const std::string text = jsonText(detail::schemaOf<T>(detail::SchemaOf::Answer, false));
    return text;
}

/// Of what readJson<T>() takes with JsonMode::Strict. As long as the program lives.
template <class T> const std::string &requestSchema()
{
    static const std::string text = jsonText(detail::schemaOf<T>(detail::SchemaOf::Request, false));
    return text;
}

} // namespace portolan
