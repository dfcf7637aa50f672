// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/json_query.h"
#include "core/base/json_schema.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <chrono>
#include <string>
#include <string_view>

/// A described struct as OpenAPI's list of parameters: what readQuery() (json_query.h) takes.
/// https://spec.openapis.org/oas/v3.1.0#parameter-object
namespace portolan {

namespace detail {

template <class T> boost::json::value parameterSchema(bool isId)
{
    if constexpr (isOptional<T>)
        return parameterSchema<typename T::value_type>(isId);
    else if constexpr (isVector<T>)
        return boost::json::object{{"type", "array"}, {"items", parameterSchema<typename T::value_type>(isId)}};
    else if constexpr (std::same_as<T, Metric>)
        return boost::json::object{{"type", "string"}};
    else if constexpr (std::same_as<T, std::chrono::seconds>)
        return boost::json::object{{"type", "integer"}, {"minimum", 0}};
    else
        return schemaOf<T>(SchemaOf::Request, isId);
}

/// What the value of a parameter of T is.
template <class T, class D, class Member> boost::json::value memberSchema()
{
    auto schema = parameterSchema<Member>(isIdMember(D::name));
    if constexpr (requires { T::queryMost; }) {
        for (const auto &[member, most] : T::queryMost) {
            if (member == std::string_view(D::name)) {
                schema.as_object()["minimum"] = 1;
                schema.as_object()["maximum"] = most;
            }
        }
    }
    return schema;
}

template <class T> void addParameterSchemas(boost::json::array &to, std::string_view path)
{
    boost::mp11::mp_for_each<AllMembers<T>>([&]<class D>(D) {
        using Member = std::remove_cvref_t<decltype(std::declval<T &>().*D::pointer)>;
        if constexpr (QueryStruct<Member>) {
            addParameterSchemas<Member>(to, path);
        } else {
            constexpr std::string_view name = parameterName<T, D>();
            const bool inPath = path.find('{' + std::string(name) + '}') != std::string_view::npos;
            to.push_back(boost::json::object{{"name", boost::json::string_view(name)},
                                             {"in", inPath ? "path" : "query"},
                                             {"required", inPath || mustBeThere<T>(D::name)},
                                             {"schema", memberSchema<T, D, Member>()}});
        }
    });
}

} // namespace detail

/// The parameters of a route at `path`, whose `{name}`s are members too. Empty where there are none.
template <class T> std::string parametersSchema(std::string_view path)
{
    boost::json::array parameters;
    detail::addParameterSchemas<T>(parameters, path);
    return parameters.empty() ? std::string() : jsonText(parameters);
}

} // namespace portolan
