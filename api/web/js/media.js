/** Media by compartment, as in domain/media.py; a test holds the two together. A medium may answer to two compartments. */

export const COMPARTMENTS = {
  air: [
    "air_over_land", "air_over_sea", "air_aerosol", "air_gas", "weather", "rain",
  ],
  land: [
    "air_over_land", "rain", "deposition", "soil", "fresh_water", "tap_water", "ground_water",
    "terrestrial_biota", "food",
  ],
  sea: [
    "air_over_sea", "sea_water", "sea_water_filtered", "suspended_matter", "sediment", "fish", "seaweed",
    "marine_biota", "effluent",
  ],
};

/** Whether values of `medium` answer a question about `compartment`. @param {string} medium @param {string} compartment */
export const belongs = (medium, compartment) => COMPARTMENTS[compartment].includes(medium);
